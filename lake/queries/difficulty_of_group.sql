-- Purpose: how hard each label value is, over the runs of a group, with the test of its label.
-- Grain: one row per label and value. Units: mean squared error of test patches, target range; 95 % over conditions.
-- Parameters: group_id.
SELECT
    found.label, found.label_value, found.n_images, found.n_patches, found.mean_loss, found.ci_low, found.ci_high,
    tests.p_holm AS p_label
FROM difficulty_values AS found
LEFT JOIN difficulty_tests AS tests USING (group_id, label)
WHERE found.group_id = ?
ORDER BY found.label, try_cast(found.label_value AS DOUBLE), found.label_value
