-- Purpose: the view leakage_gap for any night, one preset at a time.
-- Grain: one row per profile, model, label, seed and safe scheme. Units and definition: as in the view.
-- Parameters: night_id, preset.
WITH of_night AS (
    SELECT run_id, profile, model, scheme, label, seed
    FROM runs
    SEMI JOIN (SELECT run_id FROM night_runs WHERE night_id = ?) AS belongs USING (run_id)
    WHERE preset = ? AND status = 'complete' AND scheme <> 'holdout'
),
of_image AS (
    SELECT
        of_night.profile, of_night.model, of_night.label, of_night.seed, of_night.scheme,
        patch_metrics.image_id, avg(patch_metrics.mse) AS mse
    FROM patch_metrics
    JOIN of_night USING (run_id)
    WHERE patch_metrics.split = 'test'
    GROUP BY ALL
),
pairs AS (
    SELECT safe.profile, safe.model, safe.label, safe.scheme, safe.seed, safe.mse - paper.mse AS gap
    FROM of_image AS safe
    JOIN of_image AS paper USING (profile, model, label, seed, image_id)
    WHERE safe.scheme <> 'paper' AND paper.scheme = 'paper'
)
SELECT
    profile, model, label, scheme, seed,
    count(*)::INTEGER AS n_images,
    avg(gap) AS gap,
    avg(gap) - 1.96 * stddev_samp(gap) / sqrt(count(*)) AS ci_low,
    avg(gap) + 1.96 * stddev_samp(gap) / sqrt(count(*)) AS ci_high
FROM pairs
GROUP BY profile, model, label, scheme, seed
ORDER BY profile, model, label, scheme, seed
