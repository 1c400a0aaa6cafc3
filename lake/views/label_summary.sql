-- Purpose: how well each value of a label is reconstructed on held-out patches, in the newest night.
-- Grain: one row per profile, preset, model, scheme, fold_label, label and label_value; means over the folds' test splits.
-- Units: MSE in the run's own target range, with its sample standard deviation over folds; PSNR in dB, SSIM on [0, 1].
-- fold_label is the label the folds were drawn for, label the one the patches are grouped by here.
-- n_patches and n_images are sums over folds: under scheme paper an image counts once in each fold that tests it.
CREATE OR REPLACE VIEW label_summary AS
SELECT
    runs.profile, runs.preset, runs.model, runs.scheme, runs.label AS fold_label,
    label_metrics.label, label_metrics.label_value,
    count(DISTINCT runs.fold)::INTEGER AS n_folds,
    avg(label_metrics.mse) AS mse,
    stddev_samp(label_metrics.mse) AS mse_sd,
    avg(label_metrics.psnr_db) AS psnr_db,
    avg(label_metrics.ssim) AS ssim,
    sum(label_metrics.n_patches)::BIGINT AS n_patches,
    sum(label_metrics.n_images)::BIGINT AS n_images
FROM label_metrics
JOIN runs USING (run_id)
SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
WHERE label_metrics.split = 'test'
GROUP BY ALL
ORDER BY
    runs.profile, runs.preset, runs.model, runs.scheme, runs.label, label_metrics.label,
    min(try_cast(label_metrics.label_value AS DOUBLE)), label_metrics.label_value;
