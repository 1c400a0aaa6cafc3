-- Purpose: how the images that were new in a night looked to the champion of before.
-- Grain: one row per image, the remarkable ones first.
-- Parameters: night_id. Units: nm, um; per cent.
SELECT
    labels.name AS image, drift.verdict, drift.reason AS decision, drift.mse, drift.loss_percentile,
    drift.latent_distance, drift.pixel_size_nm, drift.field_of_view_um, drift.unseen_labels, drift.preset
FROM drift
JOIN latest_night ON latest_night.sequence = drift.night_sequence AND latest_night.source = drift.source
LEFT JOIN labels ON labels.source = drift.source AND labels.image_id = drift.image_id
ORDER BY drift.verdict = 'known', drift.verdict, labels.name, drift.image_id
