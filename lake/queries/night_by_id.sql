-- Purpose: where a night took its images from, and its number.
-- Grain: one row, or none.
-- Parameters: night_id.
SELECT source, sequence FROM nights WHERE night_id = ?
