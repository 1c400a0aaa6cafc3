-- Purpose: the scores of a run's patches, as they stand.
-- Grain: one row per held-out patch.
-- Parameters: run_id.
SELECT * EXCLUDE (run_id) FROM patch_metrics WHERE run_id = ? ORDER BY patch_id
