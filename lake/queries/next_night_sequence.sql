-- Purpose: the sequence number of a night: its own if it has one, else the next; that of a forgotten night is not given again.
-- Grain: one row.
-- Parameters: night_id.
SELECT coalesce(
    max(sequence) FILTER (night_id = ?),
    greatest(max(sequence), (SELECT max(last_night) FROM forgotten)) + 1,
    1
) AS sequence
FROM nights
