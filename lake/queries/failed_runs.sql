-- Purpose: why runs failed, or have not been done again.
-- Grain: one row per such run.
SELECT run_id, error FROM runs WHERE status = 'failed' OR asked_again_at IS NOT NULL
