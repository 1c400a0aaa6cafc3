-- Purpose: the nights that a run belongs to, the newest first.
-- Grain: one row per night.
-- Parameters: run_id.
SELECT night_runs.night_id, nights.sequence
FROM night_runs JOIN nights USING (night_id)
WHERE night_runs.run_id = ?
ORDER BY nights.sequence DESC
