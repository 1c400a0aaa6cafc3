-- Purpose: which label is harder to reconstruct, in sentences that the numbers of the newest night support.
-- Grain: one row per preset, scheme, label and sentence. label 'folds': the report's own way of asking.
-- mark says where the trainings behind a sentence are worse than each patch's own mean.
CREATE OR REPLACE VIEW difficulty_answer AS
WITH standing AS (
    SELECT profile, preset, scheme, count(*) AS n_scored, count(*) FILTER (is_below_flat) AS n_below
    FROM fold_metrics
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS newest USING (run_id)
    WHERE split = 'test'
    GROUP BY profile, preset, scheme
)
SELECT
    groups.profile, groups.preset, groups.scheme, found.label, found.place, found.sentence,
    CASE
        WHEN coalesce(standing.n_below, 0) = 0 THEN ''
        WHEN standing.n_below = standing.n_scored THEN 'worse than flat'
        ELSE 'worse than flat in ' || standing.n_below || ' of ' || standing.n_scored
    END AS mark
FROM difficulty_sentences AS found
JOIN groups USING (group_id)
LEFT JOIN standing USING (profile, preset, scheme)
SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
ORDER BY groups.profile, groups.preset, groups.scheme, found.label = 'folds', found.label, found.place;
