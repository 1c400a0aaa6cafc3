-- Purpose: the tables whose rows lie in many files now.
-- Grain: one row per table, sorted by name.
-- Parameters: least number of files.
SELECT table_name
FROM ducklake_table_info('lake')
WHERE file_count >= ?
ORDER BY table_name;
