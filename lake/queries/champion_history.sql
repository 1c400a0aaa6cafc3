-- Purpose: every change of champion of a preset.
-- Grain: one row per change, in order; of every source.
-- Parameters: preset.
SELECT * FROM champions WHERE preset = ? ORDER BY sequence
