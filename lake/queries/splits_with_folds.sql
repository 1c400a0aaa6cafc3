-- Purpose: splits whose folds are stored.
-- Grain: one row per split.
SELECT split_id FROM splits SEMI JOIN (SELECT DISTINCT split_id FROM folds) AS there USING (split_id)
