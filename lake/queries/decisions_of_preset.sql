-- Purpose: every decision on a champion of a preset, for people.
-- Grain: one row per candidate and champion that it was judged against, in the order of nights.
-- Parameters: preset. Units: mean squared errors, target range.
SELECT night_sequence AS night, source, scheme, is_promoted, mse, n_images AS images, difference, ci_low, ci_high, reason
FROM champion_decisions WHERE preset = ? ORDER BY night_sequence, decided_at
