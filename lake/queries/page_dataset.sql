-- Purpose: the patches that a night trained on.
-- Grain: one row.
-- Parameters: night_id. Units: size in px; gains are brightness factors.
SELECT datasets.*, recipes.size_px, recipes.gain_low, recipes.gain_high, recipes.seed AS recipe_seed
FROM latest_night
JOIN datasets ON datasets.dataset_id = latest_night.dataset_id
LEFT JOIN recipes ON recipes.recipe_id = datasets.recipe_id
