-- Purpose: which label is harder, in sentences that the numbers of a night support.
-- Grain: as the view `difficulty_answer`.
-- Parameters: night_id.
FROM difficulty_answer ORDER BY scheme = 'holdout', preset, scheme, label, place
