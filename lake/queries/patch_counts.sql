-- Purpose: how many images of a source have patches under a recipe, and how many.
-- Grain: one row.
-- Parameters: source, recipe_id.
SELECT count(DISTINCT patches.image_id)::BIGINT AS n_images, count(*)::BIGINT AS n_patches
FROM patches JOIN labels USING (image_id)
WHERE labels.source = ? AND patches.recipe_id = ?
