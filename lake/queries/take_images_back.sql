-- Purpose: let forgotten images come back with the next ingest.
-- Grain: changes one row per image.
-- Parameters: list of image_id.
UPDATE forgotten SET taken_back_at = now() WHERE image_id IN (SELECT unnest(?::VARCHAR[]))
