-- Purpose: every fold of a night beside what could be had without a model.
-- Grain: as the view `judged_metrics`; val and test only.
-- Parameters: night_id.
SELECT judged_metrics.*
FROM judged_metrics
SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
WHERE split <> 'train'
ORDER BY scheme = 'holdout', preset, scheme, label, fold, seed, split
