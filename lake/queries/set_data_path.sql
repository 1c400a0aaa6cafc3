-- Purpose: have a catalog say where the tables' files are now.
-- Grain: one row changes.
-- Parameters: the folder, absolute, with a slash at its end.
UPDATE __ducklake_metadata_lake.ducklake_metadata
SET value = ?
WHERE key = 'data_path'
