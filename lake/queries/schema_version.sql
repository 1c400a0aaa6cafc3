-- Purpose: what a lake says of itself: identity, schema version, digest of its views ('' before the first).
-- Grain: one row.
SELECT
    (SELECT value FROM meta WHERE key = 'lake_id') AS lake_id,
    (SELECT max(version) FROM migrations) AS version,
    coalesce((SELECT value FROM meta WHERE key = 'views_digest'), '') AS views_digest
