-- Purpose: the Parquet files that any kept snapshot reads the table `patches` from.
-- Grain: one row per file; path relative to the folder of the tables.
SELECT DISTINCT schemas.path || tables.path || files.path AS path
FROM __ducklake_metadata_lake.ducklake_data_file AS files
JOIN __ducklake_metadata_lake.ducklake_table AS tables USING (table_id)
JOIN __ducklake_metadata_lake.ducklake_schema AS schemas USING (schema_id)
WHERE tables.table_name = 'patches'
