-- Purpose: code, libraries and hardware behind a night's numbers.
-- Grain: one row per code digest, set of versions, device and hardware.
-- Parameters: night_id. Units: seconds; MB of 10^6 bytes.
SELECT
    runs.code_digest, runs.versions, runs.device, runs.hardware, count(*)::INTEGER AS n_runs,
    list_sort(list_distinct(list(runs.seed))) AS seeds, sum(runs.seconds) AS seconds,
    min(runs.started_at) AS first_at, max(runs.finished_at) AS last_at
FROM night_runs
JOIN latest_night USING (night_id)
JOIN runs USING (run_id)
GROUP BY runs.code_digest, runs.versions, runs.device, runs.hardware
ORDER BY n_runs DESC, runs.code_digest
