-- Purpose: what lies on both sides of each fold of a night.
-- Grain: as the view `split_audit`, whose split_id, data set and training side are left out.
-- Parameters: night_id.
SELECT split_audit.* EXCLUDE (dataset_id, split_id, n_train_patches, n_train_images, n_train_conditions, n_train_spots)
FROM split_audit
WHERE split_id IN (
    SELECT runs.split_id FROM night_runs JOIN latest_night USING (night_id) JOIN runs USING (run_id)
)
ORDER BY scheme = 'holdout', scheme, label, fold, side
