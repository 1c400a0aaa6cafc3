-- Purpose: how the trainings of a group came out on their test patches, beside what could be had without a model.
-- Grain: one row per run, sorted by run_id. snapshot_id is one that holds the run's patches and folds.
-- Parameters: group_id. Units: mean squared errors, target range; psnr_db on [0, 1].
SELECT
    runs.run_id, runs.label, runs.seed, runs.n_folds, runs.dataset_id, runs.settings::VARCHAR AS settings,
    coalesce(splits.snapshot_id, runs.snapshot_id) AS snapshot_id, val.mse AS val_mse,
    test.mse, test.psnr_db, test.flat_mse, test.pca_8_mse, test.pca_32_mse, test.pca_128_mse, test.pca_512_mse
FROM groups
JOIN runs USING (profile, preset, scheme)
LEFT JOIN splits USING (split_id)
LEFT JOIN judged_metrics AS test ON test.run_id = runs.run_id AND test.split = 'test'
LEFT JOIN fold_metrics AS val ON val.run_id = runs.run_id AND val.split = 'val'
WHERE groups.group_id = $group_id AND runs.status = 'complete' AND runs.run_id IN (
    SELECT run_id FROM night_runs
    WHERE night_id = (SELECT min(night_id) FROM night_groups WHERE group_id = $group_id)
)
ORDER BY runs.run_id
