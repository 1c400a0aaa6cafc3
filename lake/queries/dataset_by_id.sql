-- Purpose: one data set.
-- Grain: one row, or none.
-- Parameters: dataset_id.
SELECT * FROM datasets WHERE dataset_id = ?
