-- Purpose: how far the seed alone moves a result, beside how far the images do, in the newest night.
-- Grain: one row per profile, preset, model, scheme and label. mark says how many trainings are worse than flat_mse,
-- each patch's own mean.
-- Units: MSE of test patches in the run's own target range. mse: mean over seeds of the mean over folds; seed_sd: its
-- sample standard deviation over seeds, NULL with one; image_mean: mean over images of each image's mean error; ci: its 95 %
-- interval (Student's).
CREATE OR REPLACE VIEW seed_spread AS
WITH of_night AS (
    SELECT run_id, profile, preset, model, scheme, label, seed
    FROM runs
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    WHERE status = 'complete'
),
of_seed AS (
    SELECT
        profile, preset, model, scheme, label, seed, avg(mse) AS mse, avg(flat_mse) AS flat_mse,
        count(*) AS n_scored, count(*) FILTER (is_below_flat) AS n_below
    FROM fold_metrics
    SEMI JOIN of_night USING (run_id)
    WHERE split = 'test'
    GROUP BY ALL
),
over_seeds AS (
    SELECT profile, preset, model, scheme, label,
        count(*)::INTEGER AS n_seeds, avg(mse) AS mse, stddev_samp(mse) AS seed_sd, avg(flat_mse) AS flat_mse,
        sum(n_scored) AS n_scored, sum(n_below) AS n_below
    FROM of_seed
    GROUP BY ALL
),
of_image AS (
    SELECT of_night.* EXCLUDE (run_id, seed), patch_metrics.image_id, avg(patch_metrics.mse) AS mse
    FROM patch_metrics
    JOIN of_night USING (run_id)
    WHERE patch_metrics.split = 'test'
    GROUP BY ALL
),
over_images AS (
    SELECT profile, preset, model, scheme, label, count(*)::INTEGER AS n_images,
        avg(mse) AS image_mean, stddev_samp(mse) / sqrt(count(*)) AS standard_error
    FROM of_image
    GROUP BY ALL
)
SELECT
    profile, preset, model, scheme, label, n_seeds, mse, seed_sd, n_images,
    image_mean, image_mean - quantile * standard_error AS ci_low, image_mean + quantile * standard_error AS ci_high, flat_mse,
    CASE
        WHEN n_below = 0 THEN ''
        WHEN n_below = n_scored THEN 'worse than flat'
        ELSE 'worse than flat in ' || n_below || ' of ' || n_scored
    END AS mark
FROM over_seeds
JOIN over_images USING (profile, preset, model, scheme, label)
LEFT JOIN student_quantile ON freedom = least(n_images - 1, 1000)
ORDER BY ALL;
