-- Purpose: how hard each patch was, over all runs that were tested on it.
-- Grain: one row per patch. Units: loss is the mean over runs of the mean squared error, target range.
-- Parameters: list of run_id.
SELECT image_id, patch_id, avg(mse) AS loss
FROM patch_metrics
WHERE split = 'test' AND list_contains(?, run_id)
GROUP BY image_id, patch_id
ORDER BY patch_id
