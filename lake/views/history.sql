-- Purpose: every night and what came of it, oldest first.
-- Grain: one row per night, preset, scheme and label; one with NULL there for a night without a scored training.
-- Units: test_loss per patch in the run's own target range, test_psnr_db in dB; means over folds. Order is by sequence, not by the clock.
-- mark says how many trainings are worse than each patch's own mean.
CREATE OR REPLACE VIEW history AS
WITH scores AS (
    SELECT
        night_runs.night_id, fold_metrics.preset, fold_metrics.scheme, fold_metrics.label,
        count(DISTINCT fold_metrics.fold)::INTEGER AS n_folds,
        count(DISTINCT fold_metrics.fold) FILTER (night_runs.is_reused)::INTEGER AS n_folds_reused,
        avg(fold_metrics.loss) AS test_loss,
        avg(fold_metrics.psnr_db) AS test_psnr_db,
        avg(fold_metrics.ssim) AS test_ssim,
        count(*) AS n_scored,
        count(*) FILTER (fold_metrics.is_below_flat) AS n_below
    FROM night_runs
    JOIN fold_metrics USING (run_id)
    WHERE fold_metrics.split = 'test'
    GROUP BY night_runs.night_id, fold_metrics.preset, fold_metrics.scheme, fold_metrics.label
)
SELECT
    nights.sequence, nights.night_id, nights.profile, nights.status, nights.started_at, nights.finished_at,
    nights.n_new_images, nights.n_rejected, nights.n_new_patches, nights.n_trained, nights.n_failed, nights.n_reused,
    scores.preset, scores.scheme, scores.label, scores.n_folds, scores.n_folds_reused,
    scores.test_loss, scores.test_psnr_db, scores.test_ssim,
    CASE
        WHEN coalesce(scores.n_below, 0) = 0 THEN ''
        WHEN scores.n_below = scores.n_scored THEN 'worse than flat'
        ELSE 'worse than flat in ' || scores.n_below || ' of ' || scores.n_scored
    END AS mark
FROM nights
LEFT JOIN scores USING (night_id)
ORDER BY nights.sequence, scores.preset, scores.scheme, scores.label;
