-- Purpose: the codes of a run in a plane.
-- Grain: one row per patch, sorted by patch_id.
-- Parameters: run_id, method.
SELECT embeddings.patch_id, patches.image_id, embeddings.x, embeddings.y
FROM embeddings
JOIN patches USING (patch_id)
WHERE embeddings.run_id = ? AND embeddings.method = ?
ORDER BY embeddings.patch_id
