-- Purpose: the files of the images that people may mean: by an image's id, path, file name, name in the sheet, source folder; by
-- the beginning of an id where nothing is called so.
-- Grain: one row per file, of every source that has such an image.
-- Parameters: what they say.
WITH called AS (
    SELECT
        sources.image_id,
        $what IN (sources.image_id, sources.path, parse_filename(sources.path), coalesce(labels.name, ''), sources.source) AS is_exact
    FROM sources
    LEFT JOIN labels USING (source, image_id)
    WHERE is_exact OR (length($what) >= 4 AND starts_with(sources.image_id, $what))
    QUALIFY is_exact = max(is_exact) OVER ()
)
SELECT image_id, source, path
FROM sources SEMI JOIN called USING (image_id)
ORDER BY ALL
