-- Purpose: the champions that stand, for people.
-- Grain: one row per source and preset. Units: mean squared error, target range; dB.
SELECT source, preset, run_id, night_sequence AS night, how, mse, psnr_db, n_images AS images, reason
FROM champion ORDER BY source, preset
