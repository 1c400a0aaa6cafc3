-- Purpose: the runs of a night by name, the holdout trainings first.
-- Grain: one row per run.
-- Parameters: night_id.
SELECT run_id, concat_ws(' ', preset, nullif(label, 'none'), scheme, CASE WHEN n_folds > 1 THEN 'fold ' || fold END) AS name
FROM night_runs JOIN runs USING (run_id)
WHERE night_id = ?
ORDER BY scheme <> 'holdout', model DESC, scheme, label, fold
