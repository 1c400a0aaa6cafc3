-- Purpose: note that files are removed.
-- Grain: removes one row per path.
-- Parameters: list of path.
DELETE FROM leftovers WHERE path IN (SELECT unnest(?::VARCHAR[]))
