-- Purpose: the newest night in one table: losses and quality of each training, over its folds.
-- Grain: one row per profile, preset, scheme, model and label; means and sample standard deviations (_sd) over folds.
-- Units: losses per patch as training minimises them, and MSE, in the run's own target range; PSNR in dB, SSIM on [0, 1].
-- All but train_loss and val_loss are of the test split, scored with the checkpoint best by validation loss.
-- pca_128_mse: PCA with 128 components fitted on the fold's training patches; percent_of_reachable as in judged_metrics.
-- n_seeds counts seeds, over which the means go, too. n_below_flat counts folds that are worse than each patch's own mean (flat_mse).
CREATE OR REPLACE VIEW fold_summary AS
SELECT
    profile, preset, scheme, model, label,
    (count(DISTINCT fold) FILTER (split = 'test'))::INTEGER AS n_folds,
    avg(loss) FILTER (split = 'train') AS train_loss,
    stddev_samp(loss) FILTER (split = 'train') AS train_loss_sd,
    avg(loss) FILTER (split = 'val') AS val_loss,
    stddev_samp(loss) FILTER (split = 'val') AS val_loss_sd,
    avg(loss) FILTER (split = 'test') AS test_loss,
    stddev_samp(loss) FILTER (split = 'test') AS test_loss_sd,
    avg(psnr_db) FILTER (split = 'test') AS psnr_db,
    stddev_samp(psnr_db) FILTER (split = 'test') AS psnr_db_sd,
    avg(ssim) FILTER (split = 'test') AS ssim,
    stddev_samp(ssim) FILTER (split = 'test') AS ssim_sd,
    avg(psnr_paper_db) FILTER (split = 'test') AS psnr_paper_db,
    avg(ssim_paper) FILTER (split = 'test') AS ssim_paper,
    avg(floor_mse) FILTER (split = 'test') AS floor_mse,
    avg(flat_mse) FILTER (split = 'test') AS flat_mse,
    (count(*) FILTER (split = 'test' AND is_below_flat))::INTEGER AS n_below_flat,
    avg(pca_128_mse) FILTER (split = 'test') AS pca_128_mse,
    avg(percent_of_reachable) FILTER (split = 'test') AS percent_of_reachable,
    count(DISTINCT seed)::INTEGER AS n_seeds
FROM judged_metrics
SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
GROUP BY profile, preset, scheme, model, label
ORDER BY profile, preset, scheme, model, label;
