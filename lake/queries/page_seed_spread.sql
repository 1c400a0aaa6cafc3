-- Purpose: how far the seed alone moves a result of a night.
-- Grain: as the view `seed_spread`; none where there was one seed.
-- Parameters: night_id.
FROM seed_spread WHERE n_seeds > 1
