-- Purpose: how some runs went.
-- Grain: one row per run and epoch. Units: as in `epochs`.
-- Parameters: list of run_id.
SELECT * FROM epochs WHERE list_contains(?, run_id) ORDER BY run_id, epoch
