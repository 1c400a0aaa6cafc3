-- Purpose: which runs have their codes in a plane, by which methods.
-- Grain: one row per run and method.
SELECT DISTINCT run_id, method FROM embeddings
