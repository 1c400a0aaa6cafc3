-- Purpose: one text that changes whenever a label value, name or pixel size of a source does.
-- Grain: one row.
-- Parameters: source.
SELECT md5(string_agg(concat_ws('|', image_id, name, row_digest, pixel_size_nm), ';' ORDER BY image_id)) AS digest
FROM labels WHERE source = ?
