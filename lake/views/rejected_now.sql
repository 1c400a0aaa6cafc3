-- Purpose: bad files and sheet rows that still stand, with what to do about each.
-- Grain: one row per source, path, digest and rule.
CREATE OR REPLACE VIEW rejected_now AS
SELECT source, path, rule, value, message, remedy, digest, seen_at
FROM rejected
WHERE closed_at IS NULL
ORDER BY source, path, rule;
