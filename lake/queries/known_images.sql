-- Purpose: images that need no decoding again, by the digest of their file.
-- Grain: one row per file digest.
-- Parameters: decoder: digest of what decodes now.
SELECT DISTINCT ON (sources.file_digest)
    sources.file_digest, images.image_id, images.height_px, images.width_px
FROM sources JOIN images USING (image_id)
WHERE sources.decoder = ?
ORDER BY sources.file_digest, images.image_id
