-- Purpose: every night, for the index of their pages.
-- Grain: one row per night, the newest first.
SELECT * FROM nights ORDER BY sequence DESC
