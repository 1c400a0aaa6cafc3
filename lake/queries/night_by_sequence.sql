-- Purpose: a night by its number, or the newest one.
-- Grain: one row, or none.
-- Parameters: sequence, or NULL for the newest.
SELECT night_id, sequence, refresh FROM nights
WHERE sequence = coalesce(?, (SELECT max(sequence) FROM nights))
