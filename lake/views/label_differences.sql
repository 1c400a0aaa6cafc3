-- Purpose: each pair of values of a label against each other, in the newest night.
-- Grain: one row per preset, scheme, label and pair of values, the harder one by mean loss first.
-- Units: difference of mean squared errors of test patches in the run's own target range, not negative; interval: 95 %
-- over conditions, which are the images of equal laser settings. p_value: the two values shuffled over their conditions;
-- p_pair: corrected for the label's pairs; p_label: the label as a whole, corrected for the labels. is_claimed: both are
-- at most 0.05 and the interval excludes 0.
CREATE OR REPLACE VIEW label_differences AS
SELECT
    groups.profile, groups.preset, groups.scheme, pairs.label, pairs.harder_value, pairs.easier_value,
    pairs.n_images_harder, pairs.n_images_easier, pairs.difference, pairs.ci_low, pairs.ci_high,
    pairs.p_value, pairs.p_holm AS p_pair, tests.p_holm AS p_label, pairs.is_claimed
FROM difficulty_pairs AS pairs
JOIN groups USING (group_id)
LEFT JOIN difficulty_tests AS tests USING (group_id, label)
SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
ORDER BY groups.profile, groups.preset, groups.scheme, pairs.label, pairs.difference DESC;
