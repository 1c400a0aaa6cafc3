-- Purpose: every fault in `warnings` ever seen in a source, standing or closed.
-- Grain: one row per path, digest and rule.
-- Parameters: source.
SELECT * FROM warnings WHERE source = ?
