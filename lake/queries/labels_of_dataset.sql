-- Purpose: the label rows of the source that a data set was made of, every column of its sheet.
-- Grain: one row per image, sorted by image_id.
-- Parameters: dataset_id.
SELECT labels.*
FROM labels
JOIN datasets USING (source)
WHERE datasets.dataset_id = ?
ORDER BY labels.image_id
