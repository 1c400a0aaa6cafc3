-- Purpose: the label rows of a source, every column of its sheet.
-- Grain: one row per image, sorted by image_id.
-- Parameters: source.
SELECT * FROM labels WHERE source = ? ORDER BY image_id
