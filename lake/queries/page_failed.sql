-- Purpose: the trainings that failed in a night, and why.
-- Grain: one row per failed run on the night's data set that was tried between its start and end, and not since.
-- Parameters: night_id.
SELECT runs.preset, runs.scheme, runs.label, runs.fold, runs.seed, runs.error
FROM runs
JOIN latest_night
    ON runs.dataset_id = latest_night.dataset_id
    AND runs.started_at BETWEEN latest_night.started_at AND latest_night.finished_at
WHERE runs.status = 'failed'
ORDER BY runs.preset, runs.scheme, runs.label, runs.fold, runs.seed
