-- Purpose: the images that a night was the first to see.
-- Grain: one row per image; of several files with one content, the first by path.
-- Parameters: night_id. Units: px.
SELECT min(sources.path) AS path, images.width_px, images.height_px, images.file_format, images.source_mode
FROM latest_night
JOIN images ON images.ingested_at BETWEEN latest_night.started_at AND latest_night.finished_at
JOIN sources ON sources.image_id = images.image_id AND sources.source = latest_night.source
GROUP BY images.image_id, images.width_px, images.height_px, images.file_format, images.source_mode
ORDER BY path
