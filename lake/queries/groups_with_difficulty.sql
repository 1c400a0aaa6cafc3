-- Purpose: the groups of a night that have an answer to which label is harder.
-- Grain: one row per group.
-- Parameters: night_id.
SELECT groups.group_id, groups.profile, groups.preset, groups.scheme
FROM night_groups
JOIN groups USING (group_id)
SEMI JOIN difficulty_values USING (group_id)
WHERE night_groups.night_id = ?
