-- Purpose: which of some splits have all their folds: as many, of as many rows, as when they were assigned.
-- Grain: one row per split. Of splits that were written before rows were counted, the number of folds must do.
-- Parameters: list of split_id.
SELECT splits.split_id
FROM splits
JOIN (
    SELECT split_id, count(*) AS n_rows, count(DISTINCT fold) AS n_folds
    FROM folds
    WHERE split_id IN (SELECT unnest(?::VARCHAR[]))
    GROUP BY split_id
) AS there USING (split_id)
WHERE there.n_folds = splits.n_folds AND there.n_rows = coalesce(splits.n_rows, there.n_rows)
