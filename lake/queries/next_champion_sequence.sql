-- Purpose: the number of the next change of champion.
-- Grain: one row.
SELECT coalesce(max(sequence), 0) + 1 AS sequence FROM champions
