-- Purpose: the files of the labelled images of a source.
-- Grain: one row per image and content of a file.
-- Parameters: source.
SELECT DISTINCT image_id, file_digest
FROM sources JOIN labels USING (source, image_id)
WHERE source = ?
ORDER BY image_id, file_digest
