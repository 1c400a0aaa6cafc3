-- Purpose: where the patches of a recipe lie.
-- Grain: one row per patch, sorted by image and draw.
-- Parameters: recipe_id.
SELECT patch_id, image_id, patch_index, origin_row, origin_col, gain, shard, shard_row
FROM patches
WHERE recipe_id = ?
ORDER BY image_id, patch_index
