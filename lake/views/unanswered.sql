-- Purpose: what could not be asked of the newest night's runs, and why: too few images, one value of a label.
-- Grain: one row per question and subject; preset is '' where a question was put to a split and needs no model.
CREATE OR REPLACE VIEW unanswered AS
WITH newest AS (
    SELECT run_id, split_id, profile, preset, scheme, seed
    FROM runs
    SEMI JOIN (SELECT run_id FROM night_runs JOIN latest_night USING (night_id)) AS of_night USING (run_id)
),
subjects AS (
    SELECT run_id AS subject, profile, preset, scheme, seed FROM newest
    UNION ALL
    SELECT DISTINCT split_id, profile, '', scheme, NULL FROM newest
    UNION ALL
    SELECT group_id, groups.profile, groups.preset, groups.scheme, NULL
    FROM night_groups
    JOIN latest_night USING (night_id)
    JOIN groups USING (group_id)
)
SELECT analyses.question, subjects.profile, subjects.preset, subjects.scheme, subjects.seed, analyses.refusal AS reason
FROM analyses
JOIN subjects USING (subject)
WHERE analyses.refusal <> ''
ORDER BY ALL;
