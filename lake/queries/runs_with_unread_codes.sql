-- Purpose: runs whose codes nobody has probed or placed in a plane.
-- Grain: one row per run.
SELECT DISTINCT run_id FROM latents
ANTI JOIN (SELECT run_id FROM probes UNION SELECT run_id FROM embeddings) AS known USING (run_id)
