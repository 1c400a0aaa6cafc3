-- Purpose: losses and quality of a night's trainings, means over folds.
-- Grain: as the view `fold_summary`; of cross-validations first.
-- Parameters: night_id.
FROM fold_summary ORDER BY scheme = 'holdout', preset, scheme, label
