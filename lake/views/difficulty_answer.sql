-- Purpose: which label is harder to reconstruct, in sentences that the numbers of the newest night support.
-- Grain: one row per preset, scheme, label and sentence. label 'folds': the report's own way of asking.
CREATE OR REPLACE VIEW difficulty_answer AS
SELECT groups.profile, groups.preset, groups.scheme, found.label, found.place, found.sentence
FROM difficulty_sentences AS found
JOIN groups USING (group_id)
SEMI JOIN (SELECT group_id FROM night_groups JOIN latest_night USING (night_id)) AS newest USING (group_id)
ORDER BY groups.profile, groups.preset, groups.scheme, found.label = 'folds', found.label, found.place;
