-- Purpose: the trainings that failed in a night, and why; those, too, that were asked for again and did not succeed.
-- Grain: one row per such run on the night's data set that was tried, or asked for, between its start and end, and not since.
-- Parameters: night_id.
SELECT runs.preset, runs.scheme, runs.label, runs.fold, runs.seed, runs.error
FROM runs
JOIN latest_night
    ON runs.dataset_id = latest_night.dataset_id
    AND coalesce(runs.asked_again_at, runs.started_at) BETWEEN latest_night.started_at AND latest_night.finished_at
WHERE runs.status = 'failed' OR runs.asked_again_at IS NOT NULL
ORDER BY runs.preset, runs.scheme, runs.label, runs.fold, runs.seed
