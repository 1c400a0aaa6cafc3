-- Purpose: the sequence number of a night: its own if it has one, else the next.
-- Grain: one row.
-- Parameters: night_id.
SELECT coalesce(max(sequence) FILTER (night_id = ?), max(sequence) + 1, 1) AS sequence FROM nights
