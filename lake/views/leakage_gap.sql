-- Purpose: how much better the report's folds look than folds that keep images, conditions or levels apart.
-- Grain: one row per profile, preset, model, label, seed and safe scheme of the newest night; same seed, same budget.
-- Units: mean squared error in the run's own target range. gap = loss(safe) - loss(paper), mean over images of the
-- image's mean test error under each scheme; 95 % normal interval from the spread of that difference over images.
CREATE OR REPLACE VIEW leakage_gap AS
WITH of_night AS (
    SELECT run_id, profile, preset, model, scheme, label, seed
    FROM runs
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    WHERE status = 'complete' AND scheme <> 'holdout'
),
of_image AS (
    SELECT
        of_night.profile, of_night.preset, of_night.model, of_night.label, of_night.seed, of_night.scheme,
        patch_metrics.image_id, avg(patch_metrics.mse) AS mse
    FROM patch_metrics
    JOIN of_night USING (run_id)
    WHERE patch_metrics.split = 'test'
    GROUP BY ALL
),
pairs AS (
    SELECT
        safe.profile, safe.preset, safe.model, safe.label, safe.scheme, safe.seed,
        paper.mse AS loss_paper, safe.mse AS loss_safe
    FROM of_image AS safe
    JOIN of_image AS paper USING (profile, preset, model, label, seed, image_id)
    WHERE safe.scheme <> 'paper' AND paper.scheme = 'paper'
)
SELECT
    profile, preset, model, label, scheme, seed,
    count(*)::INTEGER AS n_images,
    avg(loss_paper) AS loss_paper,
    avg(loss_safe) AS loss_safe,
    avg(loss_safe - loss_paper) AS gap,
    avg(loss_safe - loss_paper) - 1.96 * stddev_samp(loss_safe - loss_paper) / sqrt(count(*)) AS ci_low,
    avg(loss_safe - loss_paper) + 1.96 * stddev_samp(loss_safe - loss_paper) / sqrt(count(*)) AS ci_high
FROM pairs
GROUP BY profile, preset, model, label, scheme, seed
ORDER BY profile, preset, model, label, scheme, seed;
