-- Purpose: which shards hold the patches of a source's images under a recipe.
-- Grain: one row per image and shard.
-- Parameters: source, recipe_id.
SELECT patches.image_id, patches.shard, count(*)::BIGINT AS n_patches
FROM patches JOIN labels USING (image_id)
WHERE labels.source = ? AND patches.recipe_id = ?
GROUP BY patches.image_id, patches.shard
