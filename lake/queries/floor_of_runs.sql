-- Purpose: the least loss within reach on the validation patches of some runs.
-- Grain: one row. Units: mean squared error, target range; mean over runs.
-- Parameters: list of run_id.
SELECT avg(floor_mse) AS floor_mse FROM fold_metrics WHERE split = 'val' AND list_contains(?, run_id)
