-- Purpose: a data set, as the record of the task that froze it; none where it was last made of another source.
-- Grain: one row, or none.
-- Parameters: dataset_id, source.
SELECT dataset_id, recipe_id, n_images, n_patches, snapshot_id
FROM datasets
WHERE dataset_id = ? AND source = ?
