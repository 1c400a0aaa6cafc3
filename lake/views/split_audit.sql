-- Purpose: what lies on both sides of each fold, and how far the labels of the sides differ.
-- Grain: one row per split_id, fold and held-out side (val, test, held_out = both).
-- Units: numbers of patches, images, conditions and spots; shares in [0, 1]. largest_deviation is the share of a label
-- value on the side minus its share in training, of the label and value where that is largest.
CREATE OR REPLACE VIEW split_audit AS
WITH largest AS (
    SELECT split_id, fold, side,
        max_by(label || ' ' || label_value, abs(deviation)) AS deviating_value,
        max_by(deviation, abs(deviation)) AS largest_deviation
    FROM split_label_shares
    GROUP BY split_id, fold, side
),
strata AS (
    SELECT split_id, fold, count(*)::INTEGER AS n_strata, (count(*) FILTER (is_merged))::INTEGER AS n_merged_strata
    FROM split_strata
    GROUP BY split_id, fold
)
SELECT
    splits.dataset_id, splits.scheme, splits.label, sides.*,
    strata.n_strata, strata.n_merged_strata, largest.deviating_value, largest.largest_deviation
FROM split_sides AS sides
LEFT JOIN splits USING (split_id)
LEFT JOIN strata USING (split_id, fold)
LEFT JOIN largest USING (split_id, fold, side)
ORDER BY splits.scheme, splits.label, sides.split_id, sides.fold, sides.side;
