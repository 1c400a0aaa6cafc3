-- Purpose: how hard each patch was, over all runs that were tested on it.
-- Grain: one row per patch. Units: loss is the mean over runs of the mean squared error, target range; floor_mse and
-- flat_mse are what no output of the model's range can be below, and each patch's own mean.
-- Parameters: list of run_id.
SELECT image_id, patch_id, avg(mse) AS loss, avg(floor_mse) AS floor_mse, avg(flat_mse) AS flat_mse
FROM patch_metrics
WHERE split = 'test' AND list_contains(?, run_id)
GROUP BY image_id, patch_id
ORDER BY patch_id
