-- Purpose: the inputs of each step when a source's nights last had it.
-- Grain: one row per step.
-- Parameters: source, sequence of the night that asks.
SELECT step, inputs
FROM reasons JOIN nights USING (night_id)
WHERE source = ? AND sequence < ?
QUALIFY row_number() OVER (PARTITION BY step ORDER BY sequence DESC) = 1
