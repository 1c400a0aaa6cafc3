-- Purpose: where a catalog says that the tables' files are, for programs that attach it without being told.
-- Grain: one row.
SELECT value
FROM __ducklake_metadata_lake.ducklake_metadata
WHERE key = 'data_path'
