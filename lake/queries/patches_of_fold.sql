-- Purpose: the patches of one fold and where they lie.
-- Grain: one row per patch, sorted by patch_id.
-- Parameters: split_id, fold.
SELECT folds.patch_id, folds.image_id, folds.split, patches.shard, patches.shard_row
FROM folds JOIN patches USING (patch_id)
WHERE folds.split_id = ? AND folds.fold = ?
ORDER BY folds.patch_id
