-- Purpose: up to which number there have been nights, those that were forgotten among them; 0 where there was none.
-- Grain: one row.
SELECT greatest(
    coalesce((SELECT max(sequence) FROM nights), 0), coalesce((SELECT max(last_night) FROM forgotten), 0)
) AS sequence
