-- Purpose: every fault in `rejected` ever seen in a source, standing or closed.
-- Grain: one row per path, digest and rule.
-- Parameters: source.
SELECT * FROM rejected WHERE source = ?
