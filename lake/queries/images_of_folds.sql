-- Purpose: how many patches of each image are on each side of the folds of a split.
-- Grain: one row per fold, side and image.
-- Parameters: split_id.
SELECT fold, split, image_id, count(*)::INTEGER AS n_patches
FROM folds WHERE split_id = ?
GROUP BY fold, split, image_id
ORDER BY fold, split, image_id
