-- Purpose: edge of the patches that a split is made of, px.
-- Grain: one row.
-- Parameters: split_id.
SELECT recipes.size_px
FROM splits JOIN datasets USING (dataset_id) JOIN recipes USING (recipe_id)
WHERE splits.split_id = ?
