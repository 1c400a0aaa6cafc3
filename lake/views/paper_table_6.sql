-- Purpose: the report's Table 6, folds by PP1, with its columns, as found here.
-- Grain: one row per fold of the newest night that trained it, and their average.
-- Units: mean squared error on [-1, 1]; profile and epochs say how much of the report's budget was spent;
-- mark: test patches, worse than each patch's own mean.
CREATE OR REPLACE VIEW paper_table_6 AS
SELECT
    coalesce('fold ' || fold, 'average') AS fold,
    avg(value) FILTER (split = 'train') AS train_loss,
    avg(value) FILTER (split = 'val') AS val_loss,
    avg(value) FILTER (split = 'test') AS test_loss,
    max(profile) AS profile, max(epochs) AS epochs,
    CASE
        WHEN count(*) FILTER (split = 'test' AND is_below_flat) = 0 THEN ''
        WHEN count(*) FILTER (split = 'test' AND is_below_flat) = count(*) FILTER (split = 'test') THEN 'worse than flat'
        ELSE 'worse than flat in ' || count(*) FILTER (split = 'test' AND is_below_flat) || ' of '
            || count(*) FILTER (split = 'test')
    END AS mark
FROM paper_here
WHERE preset = 'label-cv' AND label = 'PP1' AND metric = 'loss'
GROUP BY GROUPING SETS ((fold), ())
HAVING count(*) > 0
ORDER BY fold IS NULL, fold;
