-- Purpose: what a lake says of itself: identity, schema version, digest ('' before the first) and revision of its views.
-- Grain: one row.
SELECT
    (SELECT value FROM meta WHERE key = 'lake_id') AS lake_id,
    (SELECT max(version) FROM migrations) AS version,
    coalesce((SELECT value FROM meta WHERE key = 'views_digest'), '') AS views_digest,
    coalesce((SELECT value FROM meta WHERE key = 'views_revision')::INTEGER, 0) AS views_revision
