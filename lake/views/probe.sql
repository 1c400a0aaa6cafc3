-- Purpose: does the code of a patch know the laser? What probes read from codes, PCA and spectra, in the newest night.
-- Grain: one row per label, features, preset and seed ('' and NULL where features need no model), probe, unit and
-- metric.
-- Units: balanced_accuracy and level_accuracy in [0, 1], r2 at most 1. null_mean and null_sd: the same with labels
-- shuffled over conditions, which stay on one side of a fold; p_value: share of shuffles at least as good, the true
-- labels counted in. mark: the model whose code is read is worse than each patch's own mean.
CREATE OR REPLACE VIEW probe AS
SELECT
    found.label, found.features, coalesce(runs.preset, '') AS preset, coalesce(runs.model, '') AS model, runs.seed,
    found.probe, found.unit, found.metric, found.score, found.null_mean, found.null_sd, found.p_value,
    found.n_permutations, found.n_patches, found.n_images, found.n_values, found.run_id,
    CASE WHEN scored.is_below_flat THEN 'worse than flat' ELSE '' END AS mark
FROM probes AS found
LEFT JOIN runs USING (run_id)
LEFT JOIN fold_metrics AS scored ON scored.run_id = found.run_id AND scored.split = 'test'
WHERE found.split_id IN (
        SELECT runs.split_id FROM night_runs JOIN latest_night USING (night_id) JOIN runs USING (run_id)
    )
    AND (found.run_id = '' OR found.run_id IN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)))
ORDER BY found.label, found.unit, found.metric, found.probe, found.features, preset, runs.seed;
