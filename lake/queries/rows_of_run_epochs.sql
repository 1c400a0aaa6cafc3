-- Purpose: the epochs of a run, as they stand.
-- Grain: one row per epoch.
-- Parameters: run_id.
SELECT * EXCLUDE (run_id, seconds) FROM epochs WHERE run_id = ? ORDER BY epoch
