-- Purpose: the scores of a run's held-out patches.
-- Grain: one row per patch, sorted by patch_id. Units: as in patch_metrics.
-- Parameters: run_id.
SELECT patch_id, image_id, split, mse, psnr_db, ssim, floor_mse, flat_mse
FROM patch_metrics
WHERE run_id = ?
ORDER BY patch_id
