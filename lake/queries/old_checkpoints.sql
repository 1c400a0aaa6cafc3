-- Purpose: checkpoints that may go: old, neither a run's best by loss nor its last, of no champion of any time, and of no
-- run of the newest night.
-- Grain: one row per checkpoint. Units: bytes.
-- Parameters: age in seconds.
SELECT model_id, path, n_bytes
FROM models
WHERE best_by NOT IN ('loss', 'last') AND created_at <= now() - to_seconds(?)
    AND run_id NOT IN (SELECT run_id FROM champions)
    AND run_id NOT IN (SELECT night_runs.run_id FROM night_runs JOIN latest_night USING (night_id))
ORDER BY path
