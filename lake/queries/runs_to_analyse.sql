-- Purpose: the complete runs of a night, to be put into groups; has_codes tells whether the codes of a run's patches stand.
-- Grain: one row per run, sorted by run_id.
-- Parameters: night_id.
SELECT runs.run_id, runs.profile, runs.preset, runs.scheme, runs.label, runs.fold, runs.seed, runs.split_id,
    runs.dataset_id, runs.run_id IN (SELECT run_id FROM latents) AS has_codes
FROM night_runs JOIN runs USING (run_id)
WHERE night_runs.night_id = ? AND runs.status = 'complete'
ORDER BY runs.run_id
