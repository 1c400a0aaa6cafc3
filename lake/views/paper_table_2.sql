-- Purpose: the report's Table 2, its second experiment resumed to 110 epochs, with its columns, as found here.
-- Grain: one row, of the night that `paper_here` takes it from; none before.
-- Units: mean squared error on [-1, 1], PSNR in dB and SSIM by the report's definitions, of the validation patches; mark:
-- worse than each patch's own mean.
CREATE OR REPLACE VIEW paper_table_2 AS
SELECT
    max(value) FILTER (split = 'train' AND metric = 'loss') AS train_loss,
    max(value) FILTER (split = 'val' AND metric = 'loss') AS val_loss,
    max(value) FILTER (split = 'val' AND metric = 'psnr_paper_db') AS psnr_paper_db,
    max(value) FILTER (split = 'val' AND metric = 'ssim_paper') AS ssim_paper,
    max(profile) AS profile, max(epochs) AS epochs, max(sequence) AS sequence, max(source) AS source,
    CASE WHEN bool_or(is_below_flat) FILTER (split = 'val') THEN 'worse than flat' ELSE '' END AS mark
FROM paper_here
WHERE preset = 'experiment-2'
HAVING count(*) > 0;
