-- Purpose: per-label fold metrics of a night, the table that a night is read by.
-- Grain: one row per preset, model, scheme and label; means and standard deviations over folds.
-- Units: losses and MSE per patch in the run's target range; PSNR in dB.
-- Parameters: night_id.
SELECT
    profile, preset, model, scheme, label,
    count(*) FILTER (split = 'test')::INTEGER AS n_folds,
    avg(loss) FILTER (split = 'train') AS train_loss,
    avg(loss) FILTER (split = 'val') AS val_loss,
    avg(loss) FILTER (split = 'test') AS test_loss,
    stddev_samp(loss) FILTER (split = 'test') AS test_loss_sd,
    avg(psnr_db) FILTER (split = 'test') AS psnr_db,
    avg(ssim) FILTER (split = 'test') AS ssim,
    avg(floor_mse) FILTER (split = 'test') AS floor_mse,
    avg(flat_mse) FILTER (split = 'test') AS flat_mse,
    (count(*) FILTER (split = 'test' AND is_below_flat))::INTEGER AS n_below_flat
FROM fold_metrics SEMI JOIN (SELECT run_id FROM night_runs WHERE night_id = ?) AS night USING (run_id)
GROUP BY ALL
ORDER BY preset, scheme, label
