-- Purpose: remove what was remarked on the files of some images.
-- Grain: removes one row per remark.
-- Parameters: list of image_id.
DELETE FROM warnings
WHERE digest IN (SELECT file_digest FROM sources WHERE image_id IN (SELECT unnest(?::VARCHAR[])))
