-- Purpose: what is remarked of accepted files now, of any source.
-- Grain: one row per file digest and rule.
SELECT DISTINCT digest, rule, value, message, remedy
FROM warnings
WHERE closed_at IS NULL
ORDER BY digest, rule
