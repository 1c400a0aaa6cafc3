-- Purpose: what is rejected in a source now.
-- Grain: one row per path and rule.
-- Parameters: source.
SELECT path, rule, value, message, remedy
FROM rejected
WHERE source = ? AND closed_at IS NULL
ORDER BY path, rule
