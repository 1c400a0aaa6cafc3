-- Purpose: the complete runs of a night, as their pictures need them.
-- Grain: one row per run, sorted by preset, scheme, label, seed and fold.
-- Parameters: night_id.
SELECT
    runs.run_id, runs.profile, runs.preset, runs.model, runs.scheme, runs.label, runs.fold, runs.n_folds, runs.seed,
    runs.split_id, runs.dataset_id, runs.settings::VARCHAR AS settings, datasets.source,
    coalesce(fold_metrics.is_below_flat, false) AS is_below_flat, coalesce(models.file_digest, '') AS model_digest
FROM night_runs
JOIN runs USING (run_id)
JOIN datasets USING (dataset_id)
LEFT JOIN fold_metrics ON fold_metrics.run_id = runs.run_id AND fold_metrics.split = 'test'
LEFT JOIN models ON models.run_id = runs.run_id AND models.best_by = 'loss'
WHERE night_runs.night_id = ? AND runs.status = 'complete'
ORDER BY runs.preset, runs.scheme, runs.label, runs.seed, runs.fold, runs.run_id
