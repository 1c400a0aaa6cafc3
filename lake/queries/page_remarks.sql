-- Purpose: what was remarked of accepted files and rows when a night ended.
-- Grain: one row per rule; path, value, message and remedy are those of the first file or row.
-- Parameters: night_id.
SELECT
    remarks.rule, count(*)::INTEGER AS n_rows, min(remarks.path) AS path,
    min_by(remarks.value, remarks.path) AS value, min_by(remarks.message, remarks.path) AS message,
    min_by(remarks.remedy, remarks.path) AS remedy
FROM warnings AS remarks
JOIN latest_night ON remarks.source = latest_night.source AND remarks.seen_at <= latest_night.finished_at
WHERE remarks.closed_at IS NULL OR remarks.closed_at > latest_night.finished_at
GROUP BY remarks.rule
ORDER BY remarks.rule
