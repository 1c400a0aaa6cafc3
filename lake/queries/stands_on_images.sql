-- Purpose: what was made of some images: data sets, and splits, runs, groups and nights that stand on those.
-- Grain: one row per kind and id. Runs that learnt by the encoder of such a run are among them; so are data sets of the
-- images' sources that have no split yet, whose patches are not noted anywhere.
-- Parameters: list of image_id.
WITH RECURSIVE wanted AS (
    SELECT unnest(?::VARCHAR[]) AS image_id
),
of_datasets AS (
    SELECT DISTINCT splits.dataset_id
    FROM splits JOIN folds USING (split_id) SEMI JOIN wanted USING (image_id)
    UNION
    SELECT datasets.dataset_id
    FROM datasets ANTI JOIN splits USING (dataset_id)
    WHERE datasets.source IN (SELECT sources.source FROM sources SEMI JOIN wanted USING (image_id))
),
of_runs AS (
    SELECT run_id FROM runs SEMI JOIN of_datasets USING (dataset_id)
    UNION
    SELECT runs.run_id FROM runs JOIN of_runs ON json_extract_string(runs.settings, '$.feature_model') = of_runs.run_id
),
of_nights AS (
    SELECT night_id FROM nights SEMI JOIN of_datasets USING (dataset_id)
    UNION
    SELECT night_id FROM night_runs SEMI JOIN of_runs USING (run_id)
)
SELECT 'dataset_id' AS kind, dataset_id AS id FROM of_datasets
UNION ALL SELECT 'split_id', split_id FROM splits SEMI JOIN of_datasets USING (dataset_id)
UNION ALL SELECT 'run_id', run_id FROM of_runs
UNION ALL SELECT DISTINCT 'group_id', group_id FROM night_groups SEMI JOIN of_nights USING (night_id)
UNION ALL SELECT 'night_id', night_id FROM of_nights
ORDER BY ALL
