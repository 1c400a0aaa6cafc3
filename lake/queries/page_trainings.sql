-- Purpose: the trainings of a night, each beside the same training of an earlier one: what differs is why it ran.
-- Grain: one row per run of the night.
-- The same training: this preset (whatever settings were chosen in its place), scheme, label and fold; of several, that
-- with the same source, then the same seed, then the same preset to the letter, then the newest. before_* are NULL where
-- no earlier night has it. changed_modules: of the training code, where both codes are known by their modules.
-- Parameters: night_id. Units: seconds.
WITH of_night AS (
    SELECT
        runs.*, night_runs.is_reused, night_runs.is_asked_for, split_part(runs.preset, ' (', 1) AS base,
        datasets.source, datasets.n_images, datasets.n_patches
    FROM night_runs
    JOIN latest_night USING (night_id)
    JOIN runs USING (run_id)
    LEFT JOIN datasets ON datasets.dataset_id = runs.dataset_id
),
last_seen AS (
    SELECT night_runs.run_id, max(nights.sequence) AS sequence
    FROM night_runs
    JOIN nights USING (night_id)
    WHERE nights.sequence < (SELECT sequence FROM latest_night)
    GROUP BY night_runs.run_id
),
earlier AS (
    SELECT
        runs.*, last_seen.sequence, split_part(runs.preset, ' (', 1) AS base,
        datasets.source, datasets.n_images, datasets.n_patches
    FROM last_seen
    JOIN runs USING (run_id)
    LEFT JOIN datasets ON datasets.dataset_id = runs.dataset_id
),
matched AS (
    SELECT
        of_night.run_id, of_night.preset, of_night.model, of_night.scheme, of_night.label, of_night.fold, of_night.seed,
        of_night.is_reused, of_night.is_asked_for, of_night.dataset_id, of_night.split_id, of_night.code_digest, of_night.settings,
        of_night.versions, of_night.device, of_night.hardware, of_night.seconds, of_night.n_parameters, of_night.diverged, of_night.n_images, of_night.n_patches,
        earlier.sequence AS before_sequence, earlier.run_id AS before_run_id, earlier.dataset_id AS before_dataset_id,
        earlier.split_id AS before_split_id, earlier.code_digest AS before_code_digest,
        earlier.settings AS before_settings, earlier.versions AS before_versions, earlier.seed AS before_seed,
        earlier.n_images AS before_n_images, earlier.n_patches AS before_n_patches
    FROM of_night
    LEFT JOIN earlier
        ON earlier.base = of_night.base AND earlier.scheme = of_night.scheme AND earlier.label = of_night.label
        AND earlier.fold = of_night.fold
    QUALIFY row_number() OVER (
        PARTITION BY of_night.run_id
        ORDER BY
            earlier.source = of_night.source DESC NULLS LAST, earlier.seed = of_night.seed DESC NULLS LAST,
            earlier.preset = of_night.preset DESC NULLS LAST, earlier.sequence DESC NULLS LAST, earlier.run_id
    ) = 1
),
changed AS (
    SELECT codes.code_digest, codes.before_code_digest, code_modules.module
    FROM (SELECT DISTINCT code_digest, before_code_digest FROM matched WHERE code_digest != before_code_digest) AS codes
    JOIN code_modules ON code_modules.code_digest IN (codes.code_digest, codes.before_code_digest)
    GROUP BY ALL
    HAVING count(*) = 1 OR min(code_modules.module_digest) != max(code_modules.module_digest)
),
modules AS (
    SELECT code_digest, before_code_digest, list(module ORDER BY module) AS changed_modules
    FROM changed
    WHERE code_digest IN (SELECT code_digest FROM code_modules)
        AND before_code_digest IN (SELECT code_digest FROM code_modules)
    GROUP BY ALL
)
SELECT matched.*, modules.changed_modules
FROM matched
LEFT JOIN modules USING (code_digest, before_code_digest)
ORDER BY matched.scheme = 'holdout', matched.preset, matched.scheme, matched.label, matched.fold, matched.seed
