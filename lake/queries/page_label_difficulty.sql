-- Purpose: how hard each label value is to reconstruct, in a night.
-- Grain: as the view `label_difficulty`.
-- Parameters: night_id.
FROM label_difficulty
