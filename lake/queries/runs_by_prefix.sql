-- Purpose: the complete runs whose id begins with some letters.
-- Grain: one row per run, sorted by run_id.
-- Parameters: first letters.
SELECT run_id, preset, scheme, label, fold, seed
FROM runs WHERE status = 'complete' AND starts_with(run_id, ?)
ORDER BY run_id
