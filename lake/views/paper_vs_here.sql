-- Purpose: every number of the report beside ours.
-- Grain: one row per published number. here is NULL where no night has trained it on the images of the newest one, and of an
-- average where a fold is missing; difference = here - published.
-- Units: as published; floor_mse and flat_mse on [-1, 1]: what no model of that output range can be below, and what a
-- flat grey patch gets, NULL for the train split; mark: the model of ours is worse than that. profile and epochs say how much of the report's
-- budget was spent here; sequence: number of the night; source: its folder.
CREATE OR REPLACE VIEW paper_vs_here AS
WITH here AS (
    SELECT
        preset, label, fold, split, metric, value, floor_mse, flat_mse, profile, epochs, sequence, source,
        CASE WHEN is_below_flat THEN 'worse than flat' ELSE '' END AS mark
    FROM paper_here
    UNION ALL
    SELECT
        preset, label, NULL, split, metric, avg(value), avg(floor_mse), avg(flat_mse), max(profile), max(epochs),
        max(sequence), max(source),
        CASE
            WHEN count(*) FILTER (is_below_flat) = 0 THEN ''
            WHEN count(*) FILTER (is_below_flat) = count(*) THEN 'worse than flat'
            ELSE 'worse than flat in ' || count(*) FILTER (is_below_flat) || ' of ' || count(*)
        END
    FROM paper_here
    GROUP BY preset, label, split, metric
    HAVING count(DISTINCT paper_here.fold) = max(n_printed)
)
SELECT
    published.paper_table, published.paper_row, published.preset, published.label, published.fold, published.split,
    published.metric, published.value AS published, here.value AS here, here.value - published.value AS difference,
    here.floor_mse, here.flat_mse, coalesce(here.mark, '') AS mark, here.profile, here.epochs,
    here.sequence, here.source, published.note
FROM published
LEFT JOIN here
    ON here.preset = published.preset AND here.label = published.label AND here.split = published.split
    AND here.metric = published.metric AND here.fold IS NOT DISTINCT FROM published.fold
ORDER BY published.paper_table, published.paper_row = 'average', published.paper_row, published.split, published.metric;
