-- Purpose: what a night decided on champions.
-- Grain: one row per candidate and champion that it was judged against.
-- Parameters: night_id. Units: mean squared errors, target range.
SELECT
    champion_decisions.preset, champion_decisions.scheme, champion_decisions.is_promoted,
    champion_decisions.reason AS decision, champion_decisions.mse AS image_mse, champion_decisions.n_images,
    champion_decisions.difference AS champion_difference, champion_decisions.ci_low, champion_decisions.ci_high
FROM champion_decisions
JOIN latest_night ON latest_night.sequence = champion_decisions.night_sequence
ORDER BY champion_decisions.preset, champion_decisions.group_id
