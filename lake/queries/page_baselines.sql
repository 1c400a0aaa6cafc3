-- Purpose: what could be had without a model on the test patches of a night.
-- Grain: one row per scheme, label and target range that the night trained on; means over folds.
-- Parameters: night_id. Units: mean squared error in that range.
SELECT
    runs.scheme, runs.label, baselines.target_range, count(DISTINCT baselines.fold)::INTEGER AS n_folds,
    avg(baselines.floor_mse) AS floor_mse, avg(baselines.flat_mse) AS flat_mse,
    avg(baselines.flat_reachable_mse) AS flat_reachable_mse, avg(baselines.gain_offset_mse) AS gain_offset_mse,
    avg(baselines.pca_8_mse) AS pca_8_mse, avg(baselines.pca_32_mse) AS pca_32_mse,
    avg(baselines.pca_128_mse) AS pca_128_mse, avg(baselines.pca_512_mse) AS pca_512_mse
FROM baselines
JOIN (
    SELECT DISTINCT runs.split_id, runs.scheme, runs.label, runs.settings ->> 'target_range' AS target_range
    FROM night_runs JOIN latest_night USING (night_id) JOIN runs USING (run_id)
) AS runs ON runs.split_id = baselines.split_id AND runs.target_range = baselines.target_range
WHERE baselines.split = 'test'
GROUP BY runs.scheme, runs.label, baselines.target_range
ORDER BY runs.scheme = 'holdout', runs.scheme, runs.label, baselines.target_range
