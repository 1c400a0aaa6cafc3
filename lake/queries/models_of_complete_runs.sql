-- Purpose: the checkpoint files that complete runs refer to; not of those that are to be done again.
-- Grain: one row per checkpoint.
SELECT models.run_id, models.path, models.n_bytes
FROM models
SEMI JOIN (SELECT run_id FROM runs WHERE status = 'complete' AND asked_again_at IS NULL) AS done USING (run_id)
