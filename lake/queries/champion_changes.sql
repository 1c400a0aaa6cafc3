-- Purpose: every change of champion of a preset, for people.
-- Grain: one row per change, in order. Units: mean squared error, target range; dB.
-- Parameters: preset.
SELECT sequence AS change, source, night_sequence AS night, how, run_id, mse, psnr_db, n_images AS images, reason
FROM champions WHERE preset = ? ORDER BY sequence
