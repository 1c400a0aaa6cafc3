-- Purpose: which shards hold the patches of a source's images under a recipe.
-- Grain: one row per image and shard; shard_bytes is the size of its file, NULL where it was not noted.
-- Parameters: source, recipe_id.
SELECT patches.image_id, patches.shard, count(*)::BIGINT AS n_patches, max(patches.shard_bytes) AS shard_bytes
FROM patches JOIN labels USING (image_id)
WHERE labels.source = ? AND patches.recipe_id = ?
GROUP BY patches.image_id, patches.shard
