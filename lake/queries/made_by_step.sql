-- Purpose: the newest night of a source that ran a step on given inputs.
-- Grain: one row per step and digest of its inputs.
-- Parameters: source, sequence of the night that asks.
SELECT step, inputs_digest, max(sequence) AS sequence
FROM reasons JOIN nights USING (night_id)
WHERE source = ? AND sequence < ? AND NOT is_hit
GROUP BY ALL
