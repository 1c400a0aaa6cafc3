-- Purpose: the images of a data set that no champion has looked at and that a split does not hold.
-- Grain: one row per image.
-- Parameters: dataset_id, split_id, source.
SELECT DISTINCT image_id
FROM folds
WHERE fold = 1 AND split_id = (SELECT min(split_id) FROM splits WHERE dataset_id = $dataset_id)
    AND image_id NOT IN (SELECT image_id FROM folds WHERE fold = 1 AND split_id = $split_id)
    AND image_id NOT IN (SELECT image_id FROM drift WHERE source = $source)
ORDER BY image_id
