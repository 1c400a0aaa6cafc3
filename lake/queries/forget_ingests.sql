-- Purpose: have the next ingest look at some sources anew.
-- Grain: removes one row per source.
-- Parameters: list of source.
DELETE FROM ingests WHERE source IN (SELECT unnest(?::VARCHAR[]))
