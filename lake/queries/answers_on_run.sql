-- Purpose: what has an answer that stands on a run: the run itself, and the groups that it is in.
-- Grain: one row per run or group.
-- Parameters: run_id.
SELECT DISTINCT analyses.subject
FROM runs
JOIN night_runs USING (run_id)
JOIN night_groups USING (night_id)
JOIN groups USING (group_id, profile, preset, scheme)
JOIN analyses ON analyses.subject IN (groups.group_id, runs.run_id)
WHERE runs.run_id = ?
