-- Purpose: trainings of a night that came out worse than those of the newest night before that had the same.
-- Grain: one row per preset, profile, scheme and label of the same source. Units: mean squared error of test patches,
-- target range, mean over the folds and seeds that both nights have, trained with the same settings.
-- Parameters: night_id, factor.
WITH scores AS (
    SELECT
        nights.night_id, nights.sequence, nights.source, runs.preset, runs.profile, runs.scheme, runs.label,
        runs.n_folds, runs.fold, runs.seed, runs.settings::VARCHAR AS settings, fold_metrics.mse
    FROM night_runs
    JOIN nights USING (night_id)
    JOIN runs USING (run_id)
    JOIN fold_metrics ON fold_metrics.run_id = runs.run_id AND fold_metrics.split = 'test'
)
SELECT
    ours.preset, ours.scheme, ours.label,
    avg(ours.mse) AS mse, avg(before.mse) AS mse_before, before.sequence AS night_before
FROM scores AS ours
JOIN scores AS before USING (source, preset, profile, scheme, label, n_folds, fold, seed, settings)
WHERE ours.night_id = $night_id AND before.sequence < ours.sequence
GROUP BY ours.preset, ours.profile, ours.scheme, ours.label, before.sequence
QUALIFY row_number() OVER (PARTITION BY ours.preset, ours.profile, ours.scheme, ours.label ORDER BY before.sequence DESC) = 1
    AND avg(ours.mse) > $factor * avg(before.mse)
ORDER BY ALL
