-- Purpose: the newest decision on a champion of each preset.
-- Grain: one row per source and preset.
SELECT source, preset, night_sequence AS night, is_promoted, reason
FROM champion_decisions
QUALIFY row_number() OVER (PARTITION BY source, preset ORDER BY night_sequence DESC, decided_at DESC) = 1
ORDER BY source, preset
