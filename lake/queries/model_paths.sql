-- Purpose: the checkpoint files that rows refer to now.
-- Grain: one row per path, relative to the lake.
SELECT path FROM models
