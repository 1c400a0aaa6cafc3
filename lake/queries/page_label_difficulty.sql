-- Purpose: how hard each label value is to reconstruct, in a night.
-- Grain: as the view `label_difficulty`.
-- Parameters: night_id.
FROM label_difficulty ORDER BY scheme = 'holdout', preset, scheme, label, try_cast(label_value AS DOUBLE), label_value
