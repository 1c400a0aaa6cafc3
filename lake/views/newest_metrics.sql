-- Purpose: every fold of the newest night beside its baselines.
-- Grain: one row per run and split; columns and units are those of `judged_metrics`.
CREATE OR REPLACE VIEW newest_metrics AS
SELECT judged_metrics.*
FROM judged_metrics
SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id);
