-- Purpose: what was wrong with a night's source when the night ended.
-- Grain: one row per path, digest and rule.
-- Parameters: night_id.
SELECT rejected.path, rejected.rule, rejected.value, rejected.message, rejected.remedy
FROM rejected
JOIN latest_night ON rejected.source = latest_night.source AND rejected.seen_at <= latest_night.finished_at
WHERE rejected.closed_at IS NULL OR rejected.closed_at > latest_night.finished_at
ORDER BY rejected.path, rejected.rule
