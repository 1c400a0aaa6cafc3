-- Purpose: the images that are not to come back by themselves.
-- Grain: one row per image.
SELECT image_id, name, source FROM forgotten WHERE taken_back_at IS NULL ORDER BY image_id
