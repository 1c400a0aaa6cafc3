-- Purpose: what there is to read.
-- Grain: one row per table (kind table) and view (kind view) of the lake; tables first.
SELECT name, kind
FROM (
    SELECT table_name AS name, 'table' AS kind FROM duckdb_tables() WHERE database_name = 'lake'
    UNION ALL
    SELECT view_name, 'view' FROM duckdb_views() WHERE database_name = 'lake' AND NOT internal
)
ORDER BY kind, name
