-- Purpose: why runs failed.
-- Grain: one row per failed run.
SELECT run_id, error FROM runs WHERE status = 'failed'
