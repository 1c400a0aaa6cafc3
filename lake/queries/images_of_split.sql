-- Purpose: the images that a split holds.
-- Grain: one row per image.
-- Parameters: split_id.
SELECT DISTINCT image_id FROM folds WHERE split_id = ? AND fold = 1 ORDER BY image_id
