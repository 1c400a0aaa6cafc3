-- Purpose: the images of a source that have labels and whose file is there.
-- Grain: one row per image; of several files with one content, the first by path.
-- Parameters: source.
SELECT labels.image_id, min(sources.path) AS path
FROM labels JOIN sources USING (source, image_id)
WHERE labels.source = ? AND sources.is_present
GROUP BY labels.image_id
