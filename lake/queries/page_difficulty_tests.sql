-- Purpose: does the loss of a night's trainings depend on a label at all?
-- Grain: one row per preset, scheme and label. n_claimed counts the pairs of values that may be said to differ.
-- Parameters: night_id. Units: p_label after Holm for the labels.
WITH claims AS (
    SELECT group_id, label, count(*)::INTEGER AS n_pairs, (count(*) FILTER (is_claimed))::INTEGER AS n_claimed
    FROM difficulty_pairs
    GROUP BY group_id, label
)
SELECT
    groups.preset, groups.scheme, groups.n_runs, tests.label, tests.n_values, tests.n_images, tests.n_images_left_out,
    tests.p_holm AS p_label, tests.n_tests, coalesce(claims.n_pairs, 0) AS n_pairs, coalesce(claims.n_claimed, 0) AS n_claimed
FROM difficulty_tests AS tests
JOIN groups USING (group_id)
LEFT JOIN claims ON claims.group_id = tests.group_id AND claims.label = tests.label
SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
ORDER BY groups.scheme = 'holdout', groups.preset, groups.scheme, tests.label
