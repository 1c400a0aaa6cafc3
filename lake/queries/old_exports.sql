-- Purpose: exports that were finished long ago.
-- Grain: one row per target.
-- Parameters: age in seconds.
SELECT target, finished_at FROM exports WHERE finished_at <= now() - to_seconds(?) ORDER BY target
