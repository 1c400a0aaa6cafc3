-- Purpose: snapshots that may go: older than a time, not the newest, and not the one a data set, its folds, a run or a champion's data stand in.
-- Grain: one row per snapshot.
-- Parameters: age in seconds.
SELECT snapshot_id
FROM ducklake_snapshots('lake')
WHERE snapshot_time <= now() - to_seconds(?)
    AND snapshot_id < (SELECT id FROM lake.current_snapshot())
    AND snapshot_id NOT IN (
        SELECT snapshot_id FROM datasets UNION SELECT snapshot_id FROM runs
        UNION SELECT snapshot_id FROM splits WHERE snapshot_id IS NOT NULL UNION SELECT snapshot_id FROM champions
    )
ORDER BY snapshot_id
