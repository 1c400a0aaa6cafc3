-- Purpose: take every file of a source as gone; those that are seen are written back at once.
-- Parameters: source.
UPDATE sources SET is_present = false WHERE source = ? AND is_present
