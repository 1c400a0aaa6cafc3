-- Purpose: every fold of a split.
-- Grain: one row per fold and patch.
-- Parameters: split_id.
SELECT fold, patch_id, image_id, split, stratum
FROM folds
WHERE split_id = ?
ORDER BY fold, patch_id
