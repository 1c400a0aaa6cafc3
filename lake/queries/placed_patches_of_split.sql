-- Purpose: the patches of a split and where in their images they were cut.
-- Grain: one row per patch, sorted by patch_id. Units: origin and size in px.
-- Parameters: split_id.
SELECT patches.patch_id, patches.image_id, patches.origin_row, patches.origin_col, recipes.size_px
FROM patches
JOIN recipes USING (recipe_id)
SEMI JOIN (SELECT patch_id FROM folds WHERE split_id = ?) AS used USING (patch_id)
ORDER BY patches.patch_id
