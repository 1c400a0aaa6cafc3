-- Purpose: a complete run, with all that it takes to do it again; snapshot_id is one that holds its patches and folds.
-- Grain: one row, or none.
-- Parameters: run_id.
SELECT
    runs.run_id, runs.preset, runs.profile, runs.settings::VARCHAR AS settings, runs.scheme, runs.label, runs.fold,
    runs.n_folds, runs.seed, runs.dataset_id, runs.split_id, runs.code_digest, runs.versions::VARCHAR AS versions,
    runs.device, runs.hardware, runs.n_threads, runs.n_together, runs.started_at,
    coalesce(splits.snapshot_id, runs.snapshot_id) AS snapshot_id, datasets.recipe_id
FROM runs
LEFT JOIN splits USING (split_id)
JOIN datasets ON datasets.dataset_id = runs.dataset_id
WHERE runs.run_id = ? AND runs.status = 'complete'
