-- Purpose: what was found here of every training that the report printed, on the images of the newest night.
-- Grain: one row per preset, label, fold, split and metric, of one night and seed for each preset and label.
-- Taken are trainings on the report's folds (scheme paper, as many as it printed, or the 80/10/10 split), of a night up to
-- the newest and with its source: one of profile paper rather than quick, with all folds, the newest, the smallest seed.
-- Units: loss per patch on [-1, 1], psnr_paper_db in dB, ssim_paper: the report's definitions. n_printed: folds that the
-- report printed; sequence: number of the night.
-- is_below_flat: the model's mean squared error is above that of each patch's own mean; NULL for the train split.
CREATE OR REPLACE VIEW paper_here AS
WITH printed AS (
    SELECT preset, label, max(fold) AS n_printed FROM published GROUP BY preset, label
),
wanted AS (
    SELECT
        metrics.*, printed.n_printed, nights.sequence, nights.source, (runs.settings ->> 'epochs')::INTEGER AS epochs
    FROM fold_metrics AS metrics
    JOIN printed ON printed.preset = metrics.preset AND printed.label = metrics.label
    JOIN runs ON runs.run_id = metrics.run_id AND runs.n_folds = printed.n_printed
    JOIN night_runs ON night_runs.run_id = metrics.run_id
    JOIN nights ON nights.night_id = night_runs.night_id
    JOIN latest_night ON latest_night.source = nights.source AND latest_night.sequence >= nights.sequence
    WHERE metrics.scheme IN ('paper', 'holdout')
),
counted AS (
    SELECT preset, label, sequence, seed, count(DISTINCT fold) AS n_there FROM wanted GROUP BY ALL
),
chosen AS (
    SELECT wanted.*
    FROM wanted
    JOIN counted USING (preset, label, sequence, seed)
    QUALIFY rank() OVER (
        PARTITION BY preset, label
        ORDER BY wanted.profile = 'paper' DESC, counted.n_there = wanted.n_printed DESC, sequence DESC, seed
    ) = 1
)
SELECT
    preset, label, fold, split, metric.name AS metric, metric.value, floor_mse, flat_mse, is_below_flat,
    profile, epochs, n_printed, sequence, source
FROM chosen,
    unnest([
        {'name': 'loss', 'value': loss}, {'name': 'psnr_paper_db', 'value': psnr_paper_db},
        {'name': 'ssim_paper', 'value': ssim_paper}
    ]) AS each(metric)
WHERE split <> 'train' OR metric.name = 'loss';
