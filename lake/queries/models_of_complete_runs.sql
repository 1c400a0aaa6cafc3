-- Purpose: the checkpoint files that complete runs refer to.
-- Grain: one row per checkpoint.
SELECT models.run_id, models.path, models.n_bytes
FROM models SEMI JOIN (SELECT run_id FROM runs WHERE status = 'complete') AS done USING (run_id)
