-- Purpose: how hard each label value is to reconstruct, in the newest night.
-- Grain: one row per preset, scheme, label and label_value; label as declared by the sheet, whatever folds were drawn by.
-- Units: mean squared error of test patches in the run's own target range; interval: 95 % over conditions, which
-- are the images of equal laser settings.
-- floor_mse, flat_mse: of the same patches, the least that any output in the model's range can reach, and each patch's
-- own mean: with signed targets a difference of losses may be one of floors. mark: worse than that mean. All three are
-- NULL for runs of lakes from before patches had them.
-- p_label: label values shuffled over conditions, corrected for the number of labels; one for all values of a label.
CREATE OR REPLACE VIEW label_difficulty AS
SELECT
    groups.profile, groups.preset, groups.scheme, found.label, found.label_value,
    found.n_images, found.n_patches, found.mean_loss, found.ci_low, found.ci_high,
    tests.p_holm AS p_label, tests.n_tests, found.floor_mse, found.flat_mse,
    CASE WHEN found.flat_mse IS NULL THEN NULL WHEN found.mean_loss > found.flat_mse THEN 'worse than flat' ELSE '' END AS mark
FROM difficulty_values AS found
JOIN groups USING (group_id)
LEFT JOIN difficulty_tests AS tests USING (group_id, label)
SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
ORDER BY groups.profile, groups.preset, groups.scheme, found.label, try_cast(found.label_value AS DOUBLE), found.label_value;
