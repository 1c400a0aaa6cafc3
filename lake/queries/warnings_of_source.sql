-- Purpose: every fault in `warnings` ever seen in a source, standing or closed.
-- Grain: one row per path, digest, rule and time it was seen.
-- Parameters: source.
SELECT * FROM warnings WHERE source = ?
