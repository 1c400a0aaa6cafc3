-- Purpose: the newest night's fold metrics per label, rounded, as the command line prints them after a night.
-- Grain: one row per preset, scheme, model and label; means over folds, _sd is the spread between them.
-- mark says where trainings are worse than a flat patch, each patch's own mean.
-- Units: losses and MSE per patch in the run's own target range; PSNR in dB. Test split, except val_loss.
SELECT
    scheme, label, model, preset, n_folds AS folds,
    round(val_loss, 4) AS val_loss,
    round(test_loss, 4) AS test_loss,
    round(test_loss_sd, 4) AS test_loss_sd,
    round(floor_mse, 4) AS floor_mse,
    round(flat_mse, 4) AS flat_mse,
    round(psnr_paper_db, 2) AS psnr_paper_db,
    round(psnr_db, 2) AS psnr_db,
    round(ssim, 3) AS ssim,
    mark
FROM fold_summary
ORDER BY scheme, label, model, preset
