-- Purpose: what was found here of every training that the report printed, whichever night trained it last.
-- Grain: one row per preset, label, fold, split and metric, of the newest night with that preset and label.
-- Units: loss per patch on [-1, 1], psnr_paper_db in dB, ssim_paper: the report's definitions.
-- Folds of scheme paper, as in the report; the smallest seed where there are several.
-- is_below_flat: the model's mean squared error is above that of each patch's own mean; NULL for the train split.
CREATE OR REPLACE VIEW paper_here AS
WITH wanted AS (
    SELECT metrics.*, nights.sequence
    FROM fold_metrics AS metrics
    JOIN night_runs USING (run_id)
    JOIN nights USING (night_id)
    WHERE metrics.scheme IN ('paper', 'holdout') AND metrics.preset IN (SELECT preset FROM published)
),
newest AS (
    SELECT * FROM wanted QUALIFY sequence = max(sequence) OVER (PARTITION BY preset, label)
),
chosen AS (
    SELECT * FROM newest QUALIFY seed = min(seed) OVER (PARTITION BY preset, label)
),
named AS (
    SELECT chosen.*, (runs.settings ->> 'epochs')::INTEGER AS epochs FROM chosen JOIN runs USING (run_id)
)
SELECT preset, label, fold, split, 'loss' AS metric, loss AS value, floor_mse, flat_mse, is_below_flat, profile, epochs, sequence
FROM named
UNION ALL
SELECT preset, label, fold, split, 'psnr_paper_db', psnr_paper_db, floor_mse, flat_mse, is_below_flat, profile, epochs, sequence
FROM named WHERE split <> 'train'
UNION ALL
SELECT preset, label, fold, split, 'ssim_paper', ssim_paper, floor_mse, flat_mse, is_below_flat, profile, epochs, sequence
FROM named WHERE split <> 'train';
