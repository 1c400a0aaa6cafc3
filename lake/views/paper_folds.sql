-- Purpose: the report's Tables 3 to 6, its cross-validation, with their columns, as found here.
-- Grain: one row per label and fold, and one for the average of a label all of whose folds are there.
-- Units: mean squared error on [-1, 1]; profile and epochs say how much of the report's budget was spent; sequence: number
-- of the night; mark: test patches, worse than each patch's own mean.
CREATE OR REPLACE VIEW paper_folds AS
SELECT
    label, coalesce('fold ' || fold, 'average') AS fold,
    avg(value) FILTER (split = 'train') AS train_loss,
    avg(value) FILTER (split = 'val') AS val_loss,
    avg(value) FILTER (split = 'test') AS test_loss,
    max(profile) AS profile, max(epochs) AS epochs, max(sequence) AS sequence, max(source) AS source,
    CASE
        WHEN count(*) FILTER (split = 'test' AND is_below_flat) = 0 THEN ''
        WHEN count(*) FILTER (split = 'test' AND is_below_flat) = count(*) FILTER (split = 'test') THEN 'worse than flat'
        ELSE 'worse than flat in ' || count(*) FILTER (split = 'test' AND is_below_flat) || ' of '
            || count(*) FILTER (split = 'test')
    END AS mark
FROM paper_here
WHERE preset = 'label-cv' AND metric = 'loss'
GROUP BY GROUPING SETS ((label, fold), (label))
HAVING paper_here.fold IS NOT NULL OR count(DISTINCT paper_here.fold) = max(n_printed)
ORDER BY label, paper_here.fold IS NULL, paper_here.fold;
