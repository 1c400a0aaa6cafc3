-- Purpose: the newest night in one table: losses and quality of each training, over its folds.
-- Grain: one row per profile, preset, scheme, model and label; means and sample standard deviations (_sd) over folds,
-- each fold the mean over its seeds, of which n_seeds is the number.
-- Units: losses per patch as training minimises them, and MSE, in the run's own target range; PSNR in dB, SSIM on [0, 1].
-- All but train_loss and val_loss are of the test split, scored with the checkpoint best by validation loss.
-- pca_128_mse: PCA with 128 components fitted on the fold's training patches; percent_of_reachable as in judged_metrics.
-- n_below_flat counts trainings that are worse than each patch's own mean (flat_mse), of n_scored; mark says so.
CREATE OR REPLACE VIEW fold_summary AS
WITH of_fold AS (
    SELECT
        profile, preset, scheme, model, label, fold, split,
        avg(loss) AS loss, avg(psnr_db) AS psnr_db, avg(ssim) AS ssim,
        avg(psnr_paper_db) AS psnr_paper_db, avg(ssim_paper) AS ssim_paper,
        avg(floor_mse) AS floor_mse, avg(flat_mse) AS flat_mse, avg(pca_128_mse) AS pca_128_mse,
        avg(percent_of_reachable) AS percent_of_reachable,
        count(*) AS n_scored, count(*) FILTER (is_below_flat) AS n_below
    FROM judged_metrics
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    GROUP BY profile, preset, scheme, model, label, fold, split
),
seeds AS (
    SELECT profile, preset, scheme, model, label, count(DISTINCT seed)::INTEGER AS n_seeds
    FROM fold_metrics
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    GROUP BY profile, preset, scheme, model, label
),
over_folds AS (
    SELECT
        profile, preset, scheme, model, label,
        (count(*) FILTER (split = 'test'))::INTEGER AS n_folds,
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
        coalesce(sum(n_below) FILTER (split = 'test'), 0)::INTEGER AS n_below_flat,
        avg(pca_128_mse) FILTER (split = 'test') AS pca_128_mse,
        avg(percent_of_reachable) FILTER (split = 'test') AS percent_of_reachable,
        coalesce(sum(n_scored) FILTER (split = 'test'), 0)::INTEGER AS n_scored
    FROM of_fold
    GROUP BY profile, preset, scheme, model, label
)
SELECT
    over_folds.*, seeds.n_seeds,
    CASE
        WHEN n_below_flat = 0 THEN ''
        WHEN n_below_flat = n_scored THEN 'worse than flat'
        ELSE 'worse than flat in ' || n_below_flat || ' of ' || n_scored
    END AS mark
FROM over_folds
JOIN seeds USING (profile, preset, scheme, model, label)
ORDER BY profile, preset, scheme, model, label;
