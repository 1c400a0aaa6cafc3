-- Purpose: the patches of a source's present images under a recipe, the first draws of each image.
-- Grain: one row per patch, sorted by patch_id.
-- Parameters: source, recipe_id, patches per image.
SELECT patches.patch_id, patches.image_id
FROM patches
SEMI JOIN (
    SELECT DISTINCT labels.image_id
    FROM labels JOIN sources USING (source, image_id)
    WHERE labels.source = ? AND sources.is_present
) AS here USING (image_id)
WHERE patches.recipe_id = ? AND patches.patch_index < ?
ORDER BY patches.patch_id
