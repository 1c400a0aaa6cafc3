-- Purpose: where the pixels of a data set's patches lie; each of its splits holds all of them.
-- Grain: one row per patch, sorted by patch_id. Units: size in px.
-- Parameters: dataset_id.
SELECT patches.patch_id, patches.image_id, patches.shard, patches.shard_row, recipes.size_px
FROM patches
JOIN recipes USING (recipe_id)
SEMI JOIN (
    SELECT patch_id FROM folds
    WHERE fold = 1 AND split_id = (SELECT min(split_id) FROM splits WHERE dataset_id = ?)
) AS used USING (patch_id)
ORDER BY patches.patch_id
