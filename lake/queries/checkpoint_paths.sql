-- Purpose: the checkpoint files that rows refer to, and the folders of champions of any time.
-- Grain: one row per path, relative to the lake.
SELECT path FROM models UNION SELECT 'models/' || run_id FROM champions
