-- Purpose: every fold of a night beside what could be had without a model.
-- Grain: as the view `newest_metrics`; val and test only.
-- Parameters: night_id.
FROM newest_metrics
WHERE split <> 'train'
ORDER BY scheme = 'holdout', preset, scheme, label, fold, seed, split
