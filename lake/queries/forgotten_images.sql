-- Purpose: the images that are not to come back by themselves, by each of their files.
-- Grain: one row per image, source and path: of those that it had then, and of those that an ingest has left out since.
SELECT image_id, name, source FROM forgotten WHERE taken_back_at IS NULL
UNION
SELECT rejected.value, rejected.path, rejected.source
FROM rejected
WHERE rejected.rule = 'forgotten' AND rejected.value IN (SELECT image_id FROM forgotten WHERE taken_back_at IS NULL)
ORDER BY ALL
