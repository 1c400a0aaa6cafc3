-- Purpose: the images that a run was trained on.
-- Grain: one row per image.
-- Parameters: run_id.
SELECT DISTINCT folds.image_id
FROM runs JOIN folds USING (split_id, fold)
WHERE runs.run_id = ? AND folds.split = 'train'
ORDER BY folds.image_id
