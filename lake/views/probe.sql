-- Purpose: does the code of a patch know the laser? What probes read from codes, PCA and spectra, in the newest night.
-- Grain: one row per label, features, preset ('' where they need none), probe, unit and metric.
-- Units: balanced_accuracy and level_accuracy in [0, 1], r2 at most 1. null_mean and null_sd: the same with labels
-- shuffled over images; p_value: share of shuffles at least as good. Whole conditions stay on one side of a fold.
CREATE OR REPLACE VIEW probe AS
SELECT
    found.label, found.features, coalesce(runs.preset, '') AS preset, coalesce(runs.model, '') AS model,
    found.probe, found.unit, found.metric, found.score, found.null_mean, found.null_sd, found.p_value,
    found.n_permutations, found.n_patches, found.n_images, found.n_values, found.run_id
FROM probes AS found
LEFT JOIN runs USING (run_id)
WHERE found.split_id IN (
        SELECT runs.split_id FROM night_runs JOIN latest_night USING (night_id) JOIN runs USING (run_id)
    )
    AND (found.run_id = '' OR found.run_id IN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)))
ORDER BY found.label, found.unit, found.metric, found.probe, found.features, preset;
