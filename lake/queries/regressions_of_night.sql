-- Purpose: trainings of a night that came out worse than those of the newest night before that had the same.
-- Grain: one row per preset, profile, scheme and label of the same source. Units: mean squared error of test patches,
-- target range, mean over folds and seeds.
-- Parameters: night_id, factor.
WITH means AS (
    SELECT
        nights.night_id, nights.sequence, nights.source, runs.preset, runs.profile, runs.scheme, runs.label,
        avg(fold_metrics.mse) AS mse
    FROM night_runs
    JOIN nights USING (night_id)
    JOIN runs USING (run_id)
    JOIN fold_metrics ON fold_metrics.run_id = runs.run_id AND fold_metrics.split = 'test'
    GROUP BY ALL
)
SELECT ours.preset, ours.scheme, ours.label, ours.mse, before.mse AS mse_before, before.sequence AS night_before
FROM means AS ours
JOIN means AS before USING (source, preset, profile, scheme, label)
WHERE ours.night_id = $night_id AND before.sequence < ours.sequence
QUALIFY row_number() OVER (PARTITION BY ours.preset, ours.profile, ours.scheme, ours.label ORDER BY before.sequence DESC) = 1
    AND ours.mse > $factor * before.mse
ORDER BY ALL
