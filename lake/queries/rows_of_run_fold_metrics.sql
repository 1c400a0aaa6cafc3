-- Purpose: the means of a run, as they stand.
-- Grain: one row per split.
-- Parameters: run_id.
SELECT * EXCLUDE (run_id) FROM fold_metrics WHERE run_id = ? ORDER BY split
