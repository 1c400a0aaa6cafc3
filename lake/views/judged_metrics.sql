-- Purpose: every metric row beside what could be had without a network, and how far it has come from there.
-- Grain: one row per run and split, like fold_metrics; baselines are NULL where they were not measured, and
-- all of them on the train row, which is the loss that training saw and no score.
-- Units: mean squared errors in the run's own target range, means over the split's patches. percent_of_reachable: 0 as
-- good as the best flat patch within [0, 1], 100 as good as any model of that output range can be, negative: worse
-- than flat. mark says where a model is worse than each patch's own mean.
CREATE OR REPLACE VIEW judged_metrics AS
WITH ranged AS (
    SELECT
        fold_metrics.*, runs.split_id, runs.n_parameters, runs.device, runs.seconds,
        runs.settings ->> 'target_range' AS target_range,
        coalesce(runs.settings ->> 'view', 'pixels') AS seen
    FROM fold_metrics
    LEFT JOIN runs USING (run_id)
)
SELECT
    ranged.* EXCLUDE (split_id, seen),
    baselines.flat_reachable_mse, baselines.gain_offset_mse,
    baselines.pca_8_mse, baselines.pca_32_mse, baselines.pca_128_mse, baselines.pca_512_mse,
    CASE
        WHEN ranged.mse IS NULL OR baselines.flat_reachable_mse IS NULL THEN NULL
        WHEN baselines.flat_reachable_mse > baselines.floor_mse
            THEN 100 * (baselines.flat_reachable_mse - ranged.mse) / (baselines.flat_reachable_mse - baselines.floor_mse)
        WHEN ranged.mse <= baselines.floor_mse THEN 100
        ELSE 0
    END AS percent_of_reachable,
    CASE WHEN ranged.is_below_flat THEN 'worse than flat' ELSE '' END AS mark
FROM ranged
LEFT JOIN baselines
    ON baselines.split_id = ranged.split_id AND baselines.fold = ranged.fold AND baselines.split = ranged.split
    AND baselines.target_range = ranged.target_range AND ranged.seen = 'pixels';
