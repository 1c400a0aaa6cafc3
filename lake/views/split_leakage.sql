-- Purpose: does a fold train on images that it is judged by? 0 shared images under scheme grouped, nearly all under paper.
-- Grain: one row per split_id and fold. Units: numbers of images; held out = val and test.
CREATE OR REPLACE VIEW split_leakage AS
WITH sides AS (
    SELECT split_id, fold, image_id, bool_or(split = 'train') AS is_train, bool_or(split <> 'train') AS is_held_out
    FROM folds
    GROUP BY split_id, fold, image_id
)
SELECT
    sides.split_id, splits.dataset_id, splits.scheme, splits.label, sides.fold,
    (count(*) FILTER (is_train))::INTEGER AS n_images_train,
    (count(*) FILTER (is_held_out))::INTEGER AS n_images_held_out,
    (count(*) FILTER (is_train AND is_held_out))::INTEGER AS n_images_shared
FROM sides
LEFT JOIN splits USING (split_id)
GROUP BY sides.split_id, splits.dataset_id, splits.scheme, splits.label, sides.fold
ORDER BY splits.scheme, splits.label, sides.split_id, sides.fold;
