-- Purpose: the trainings of each preset of a night that were not judged against the champion that stands.
-- Grain: one row per preset: its grouped folds where there are such, else its 80/10/10 split, else what there is.
-- champion_group_id is '' where the night's source has no champion; was_champion tells whether they were its once;
-- n_planned: trainings that the night planned of them, whatever came of these; NULL in nights from before that was noted.
-- Equal images in two sources make one group: each source has champions and decisions of its own.
-- Parameters: night_id.
WITH chosen AS (
    SELECT
        groups.group_id, groups.preset, groups.scheme, nights.source, nights.sequence AS night_sequence,
        coalesce(champion.group_id, '') AS champion_group_id, night_plans.n_runs AS n_planned
    FROM night_groups
    JOIN groups USING (group_id)
    JOIN nights USING (night_id)
    LEFT JOIN champion ON champion.source = nights.source AND champion.preset = groups.preset
    LEFT JOIN night_plans
        ON night_plans.night_id = night_groups.night_id
        AND night_plans.preset = groups.preset AND night_plans.scheme = groups.scheme
    WHERE night_groups.night_id = ?
    QUALIFY row_number() OVER (
        PARTITION BY groups.preset
        ORDER BY groups.scheme = 'grouped' DESC, groups.scheme = 'holdout' DESC, groups.scheme, groups.profile
    ) = 1
)
SELECT chosen.*, (chosen.source, chosen.group_id) IN (SELECT (source, group_id) FROM champions) AS was_champion
FROM chosen
ANTI JOIN champion_decisions USING (source, group_id, champion_group_id)
WHERE group_id != champion_group_id
ORDER BY preset
