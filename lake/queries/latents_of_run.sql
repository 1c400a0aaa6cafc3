-- Purpose: the codes of a run's patches.
-- Grain: one row per patch, sorted by patch_id.
-- Parameters: run_id.
SELECT patch_id, image_id, split, code FROM latents WHERE run_id = ? ORDER BY patch_id
