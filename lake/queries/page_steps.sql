-- Purpose: the steps of a night before and after its trainings, and why each ran: what a training's reasons are is in its runs.
-- Grain: one row per step, in the order in which they are done.
-- Parameters: night_id.
SELECT reasons.step, reasons.is_hit, reasons.is_asked_for, reasons.changed, reasons.made_in
FROM reasons
JOIN latest_night USING (night_id)
WHERE NOT starts_with(reasons.step, 'train ')
ORDER BY
    list_position(
        ['ingest images', 'cut patches', 'freeze data set', 'assign folds', 'audit splits', 'analyse night', 'draw pictures'],
        reasons.step
    ),
    reasons.step
