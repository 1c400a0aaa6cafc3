-- Purpose: the files that people may mean: by an image's id or its beginning, path, file name, name in the sheet, source folder.
-- Grain: one row per file.
-- Parameters: what they say.
SELECT DISTINCT sources.image_id, sources.source, sources.path
FROM sources
LEFT JOIN labels USING (source, image_id)
WHERE $what IN (sources.path, parse_filename(sources.path), labels.name, sources.source)
    OR (length($what) >= 4 AND starts_with(sources.image_id, $what))
ORDER BY ALL
