-- Purpose: how well a run reconstructs each held-out patch, and where it was cut.
-- Grain: one row per patch, sorted by patch_id. Units: mse in the target range; origin and size in px.
-- Parameters: run_id.
SELECT
    scores.patch_id, scores.image_id, scores.split, scores.mse, scores.psnr_db, scores.ssim,
    patches.origin_row, patches.origin_col, images.height_px, images.width_px
FROM patch_metrics AS scores
JOIN patches USING (patch_id)
JOIN images ON images.image_id = scores.image_id
WHERE scores.run_id = ?
ORDER BY scores.patch_id
