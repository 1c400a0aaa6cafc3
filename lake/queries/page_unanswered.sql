-- Purpose: what could not be asked of a night's trainings, and why.
-- Grain: as the view `unanswered`.
-- Parameters: night_id.
FROM unanswered
