-- Purpose: how much better the report's folds look than safer ones, in a night.
-- Grain: as the view `leakage_gap`.
-- Parameters: night_id.
FROM leakage_gap
