-- Purpose: every patch, where it was cut and where its pixels lie.
-- Grain: one row per patch. Units: origin, size, height and width in px; gain is a brightness factor.
CREATE OR REPLACE VIEW manifest AS
SELECT
    patches.patch_id, patches.image_id, patches.recipe_id, patches.patch_index,
    patches.origin_row, patches.origin_col, patches.gain, recipes.size_px,
    images.height_px, images.width_px, images.file_format, images.source_mode, images.ingested_at,
    patches.shard, patches.shard_row
FROM patches
JOIN images USING (image_id)
JOIN recipes USING (recipe_id);
