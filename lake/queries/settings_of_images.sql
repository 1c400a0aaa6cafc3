-- Purpose: the label rows of a source, every column of its sheet, beside the width of the image.
-- Grain: one row per image, sorted by image_id. Units: px.
-- Parameters: source.
SELECT labels.*, images.width_px FROM labels JOIN images USING (image_id) WHERE labels.source = ? ORDER BY labels.image_id
