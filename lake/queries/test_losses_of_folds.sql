-- Purpose: test loss of each fold, for the report's way of asking.
-- Grain: one row per run.
-- Parameters: list of run_id.
SELECT label, fold, loss FROM fold_metrics WHERE split = 'test' AND list_contains(?, run_id) ORDER BY run_id
