-- Purpose: the means of a run by label value, as they stand.
-- Grain: one row per label, value and split.
-- Parameters: run_id.
SELECT * EXCLUDE (run_id) FROM label_metrics WHERE run_id = ? ORDER BY label, label_value, split
