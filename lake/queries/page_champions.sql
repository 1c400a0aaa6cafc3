-- Purpose: the champions of a night's source, as they stood after it.
-- Grain: one row per preset.
-- Parameters: night_id. Units: mean squared error, target range; dB.
SELECT
    champions.preset, champions.how, champions.reason AS decision, champions.mse AS image_mse, champions.psnr_db,
    champions.n_images, champions.night_sequence, champions.run_id
FROM champions
JOIN latest_night
    ON latest_night.source = champions.source AND champions.night_sequence <= latest_night.sequence
QUALIFY row_number() OVER (PARTITION BY champions.preset ORDER BY champions.sequence DESC) = 1
ORDER BY champions.preset
