-- Purpose: how much better the report's folds look than folds that keep images, conditions or levels apart.
-- Grain: one row per profile, preset, model, label and safe scheme of the newest night; same seeds, same budget.
-- Units: mean squared error in the run's own target range. gap = loss(safe) - loss(paper) of the patches that were tested
-- under both, so that what cannot be reached of them is the same on both sides; mean over images of the image's mean, and
-- over the n_seeds seeds that trained both; 95 % interval (Student's) from the spread of that difference over images.
-- gap_seed_sd: sample standard deviation of the gap over seeds, NULL with one. flat_mse: each patch's own mean, of the same
-- patches, NULL for runs of lakes from before patches had it; mark says which of the two is worse than that.
CREATE OR REPLACE VIEW leakage_gap AS
WITH of_night AS (
    SELECT run_id, profile, preset, model, scheme, label, seed
    FROM runs
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    WHERE status = 'complete' AND scheme <> 'holdout'
),
of_patch AS (
    SELECT
        of_night.profile, of_night.preset, of_night.model, of_night.label, of_night.seed, of_night.scheme,
        patch_metrics.image_id, patch_metrics.patch_id,
        avg(patch_metrics.mse) AS mse, avg(patch_metrics.flat_mse) AS flat_mse
    FROM patch_metrics
    JOIN of_night USING (run_id)
    WHERE patch_metrics.split = 'test'
    GROUP BY ALL
),
pairs AS (
    SELECT
        safe.profile, safe.preset, safe.model, safe.label, safe.scheme, safe.seed, safe.image_id,
        avg(paper.mse) AS loss_paper, avg(safe.mse) AS loss_safe,
        avg(paper.flat_mse) AS flat_paper, avg(safe.flat_mse) AS flat_safe
    FROM of_patch AS safe
    JOIN of_patch AS paper USING (profile, preset, model, label, seed, image_id, patch_id)
    WHERE safe.scheme <> 'paper' AND paper.scheme = 'paper'
    GROUP BY ALL
),
over_seeds AS (
    SELECT profile, preset, model, label, scheme, count(*)::INTEGER AS n_seeds, stddev_samp(gap) AS gap_seed_sd
    FROM (
        SELECT profile, preset, model, label, scheme, seed, avg(loss_safe - loss_paper) AS gap
        FROM pairs
        GROUP BY ALL
    )
    GROUP BY profile, preset, model, label, scheme
),
images AS (
    SELECT
        profile, preset, model, label, scheme, image_id,
        avg(loss_paper) AS loss_paper, avg(loss_safe) AS loss_safe,
        avg(flat_paper) AS flat_paper, avg(flat_safe) AS flat_safe
    FROM pairs
    GROUP BY ALL
),
gaps AS (
    SELECT
        profile, preset, model, label, scheme,
        count(*)::INTEGER AS n_images,
        avg(loss_paper) AS loss_paper,
        avg(loss_safe) AS loss_safe,
        avg(loss_safe - loss_paper) AS gap,
        stddev_samp(loss_safe - loss_paper) / sqrt(count(*)) AS standard_error,
        avg(flat_paper) AS flat_paper,
        avg(flat_safe) AS flat_safe
    FROM images
    GROUP BY profile, preset, model, label, scheme
)
SELECT
    gaps.profile, gaps.preset, gaps.model, gaps.label, gaps.scheme, over_seeds.n_seeds, gaps.n_images,
    gaps.loss_paper, gaps.loss_safe, gaps.gap,
    gaps.gap - quantile * standard_error AS ci_low, gaps.gap + quantile * standard_error AS ci_high,
    over_seeds.gap_seed_sd,
    gaps.flat_safe AS flat_mse,
    CASE
        WHEN gaps.flat_safe IS NULL THEN NULL
        WHEN gaps.loss_paper > gaps.flat_paper AND gaps.loss_safe > gaps.flat_safe THEN 'both worse than flat'
        WHEN gaps.loss_safe > gaps.flat_safe THEN 'safe folds worse than flat'
        WHEN gaps.loss_paper > gaps.flat_paper THEN 'report''s folds worse than flat'
        ELSE ''
    END AS mark
FROM gaps
JOIN over_seeds USING (profile, preset, model, label, scheme)
LEFT JOIN student_quantile ON freedom = least(gaps.n_images - 1, 1000)
ORDER BY gaps.profile, gaps.preset, gaps.model, gaps.label, gaps.scheme;
