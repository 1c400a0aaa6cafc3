-- Purpose: the report's own way of asking which label is harder, in a night.
-- Grain: as the view `fold_average_differences`.
-- Parameters: night_id.
FROM fold_average_differences ORDER BY preset, scheme, difference DESC
