-- Purpose: how well each value of a label is reconstructed on held-out patches, in the newest night.
-- Grain: one row per profile, preset, model, scheme, fold_label, label and label_value; means over the folds' test splits.
-- Units: MSE in the run's own target range, with its sample standard deviation over folds, each fold the mean over its
-- seeds; PSNR in dB, SSIM on [0, 1]. floor_mse, flat_mse: of the same patches, the least that any output in the model's
-- range can reach, and each patch's own mean; mark says where the model is worse than that.
-- fold_label is the label the folds were drawn for, label the one the patches are grouped by here.
-- n_patches and n_images are sums over folds: under scheme paper an image counts once in each fold that tests it.
CREATE OR REPLACE VIEW label_summary AS
WITH of_fold AS (
    SELECT
        runs.profile, runs.preset, runs.model, runs.scheme, runs.label AS fold_label, runs.fold,
        found.label, found.label_value,
        avg(found.mse) AS mse, avg(found.psnr_db) AS psnr_db, avg(found.ssim) AS ssim,
        avg(found.floor_mse) AS floor_mse, avg(found.flat_mse) AS flat_mse,
        max(found.n_patches) AS n_patches, max(found.n_images) AS n_images,
        count(*) AS n_scored, count(*) FILTER (found.is_below_flat) AS n_below
    FROM label_metrics AS found
    JOIN runs USING (run_id)
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    WHERE found.split = 'test'
    GROUP BY ALL
)
SELECT
    profile, preset, model, scheme, fold_label, label, label_value,
    count(*)::INTEGER AS n_folds,
    avg(mse) AS mse,
    stddev_samp(mse) AS mse_sd,
    avg(psnr_db) AS psnr_db,
    avg(ssim) AS ssim,
    sum(n_patches)::BIGINT AS n_patches,
    sum(n_images)::BIGINT AS n_images,
    avg(floor_mse) AS floor_mse,
    avg(flat_mse) AS flat_mse,
    CASE
        WHEN sum(n_below) = 0 THEN ''
        WHEN sum(n_below) = sum(n_scored) THEN 'worse than flat'
        ELSE 'worse than flat in ' || sum(n_below) || ' of ' || sum(n_scored)
    END AS mark
FROM of_fold
GROUP BY profile, preset, model, scheme, fold_label, label, label_value
ORDER BY
    profile, preset, model, scheme, fold_label, label,
    min(try_cast(label_value AS DOUBLE)), label_value;
