-- Purpose: what the last completed ingest of a source left.
-- Grain: one row, or none before the first ingest.
-- Parameters: source.
SELECT * FROM ingests WHERE source = ?
