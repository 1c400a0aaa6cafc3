-- Purpose: the report's own way of asking which label is harder: labels by the average loss over their folds.
-- Grain: one row per profile, preset, scheme and pair of labels of the newest night, the higher average first.
-- Units: test loss per patch in the run's own target range. sd_higher, sd_lower: over folds; sd: of the difference of one
-- fold of each, sqrt(sd_higher^2 + sd_lower^2). All labels' folds hold the same patches: an average differs from another
-- by the draw of folds and trainings, and supports no claim about a label.
CREATE OR REPLACE VIEW fold_average_differences AS
WITH averages AS (
    SELECT groups.profile, groups.preset, groups.scheme, found.*
    FROM fold_averages AS found
    JOIN groups USING (group_id)
    SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
)
SELECT
    higher.profile, higher.preset, higher.scheme, higher.label AS higher_label, lower.label AS lower_label,
    higher.mean_loss AS loss_higher, higher.sd AS sd_higher, lower.mean_loss AS loss_lower, lower.sd AS sd_lower,
    higher.mean_loss - lower.mean_loss AS difference, sqrt(higher.sd ** 2 + lower.sd ** 2) AS sd,
    least(higher.n_folds, lower.n_folds) AS n_folds
FROM averages AS higher
JOIN averages AS lower
    ON higher.group_id = lower.group_id
    AND (higher.mean_loss > lower.mean_loss OR (higher.mean_loss = lower.mean_loss AND higher.label < lower.label))
ORDER BY higher.profile, higher.preset, higher.scheme, difference DESC, higher_label, lower_label;
