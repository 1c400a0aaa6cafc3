-- Purpose: what the report printed, to stand beside what is found here; and what each split really separates.

-- One row per published number. Key: paper_table, paper_row, split, metric.
-- Source: the report "DeepDLT: Autoencoder analysis on DLIP data".
CREATE TABLE published (
    paper_table   VARCHAR NOT NULL,      -- '2' .. '6', or 'plot' where a number was read off a figure
    paper_row     VARCHAR NOT NULL,      -- 'fold 1' .. 'fold 5', 'average', or what was trained
    preset        VARCHAR NOT NULL,      -- our name of what was trained
    label         VARCHAR NOT NULL,      -- label the folds were drawn by; 'none' for the 80/10/10 split
    fold          INTEGER,               -- NULL for the average over folds
    split         VARCHAR NOT NULL,      -- train, val or test
    metric        VARCHAR NOT NULL,      -- loss, psnr_paper_db or ssim_paper: the report's definitions
    value         DOUBLE NOT NULL,       -- loss: mean squared error on [-1, 1]; of the VAE: per patch
    note          VARCHAR NOT NULL
);
INSERT INTO published VALUES
    ('2', '110 epochs', 'experiment-2', 'none', 1, 'train', 'loss', 0.1989, ''),
    ('2', '110 epochs', 'experiment-2', 'none', 1, 'val', 'loss', 0.1871, ''),
    ('2', '110 epochs', 'experiment-2', 'none', 1, 'val', 'psnr_paper_db', 12.13, ''),
    ('2', '110 epochs', 'experiment-2', 'none', 1, 'val', 'ssim_paper', 0.135, ''),
    ('3', 'fold 1', 'label-cv', 'angle', 1, 'train', 'loss', 0.1819, ''),
    ('3', 'fold 1', 'label-cv', 'angle', 1, 'val', 'loss', 0.1754, ''),
    ('3', 'fold 1', 'label-cv', 'angle', 1, 'test', 'loss', 0.186, ''),
    ('3', 'fold 2', 'label-cv', 'angle', 2, 'train', 'loss', 0.1819, ''),
    ('3', 'fold 2', 'label-cv', 'angle', 2, 'val', 'loss', 0.1804, ''),
    ('3', 'fold 2', 'label-cv', 'angle', 2, 'test', 'loss', 0.1842, ''),
    ('3', 'fold 3', 'label-cv', 'angle', 3, 'train', 'loss', 0.1821, ''),
    ('3', 'fold 3', 'label-cv', 'angle', 3, 'val', 'loss', 0.1766, ''),
    ('3', 'fold 3', 'label-cv', 'angle', 3, 'test', 'loss', 0.1846, ''),
    ('3', 'fold 4', 'label-cv', 'angle', 4, 'train', 'loss', 0.1825, ''),
    ('3', 'fold 4', 'label-cv', 'angle', 4, 'val', 'loss', 0.1764, ''),
    ('3', 'fold 4', 'label-cv', 'angle', 4, 'test', 'loss', 0.182, ''),
    ('3', 'fold 5', 'label-cv', 'angle', 5, 'train', 'loss', 0.1821, ''),
    ('3', 'fold 5', 'label-cv', 'angle', 5, 'val', 'loss', 0.1771, ''),
    ('3', 'fold 5', 'label-cv', 'angle', 5, 'test', 'loss', 0.184, ''),
    ('3', 'average', 'label-cv', 'angle', NULL, 'test', 'loss', 0.1841, ''),
    ('4', 'fold 1', 'label-cv', 'EP1', 1, 'train', 'loss', 0.182, ''),
    ('4', 'fold 1', 'label-cv', 'EP1', 1, 'val', 'loss', 0.1786, ''),
    ('4', 'fold 1', 'label-cv', 'EP1', 1, 'test', 'loss', 0.1847, ''),
    ('4', 'fold 2', 'label-cv', 'EP1', 2, 'train', 'loss', 0.1826, ''),
    ('4', 'fold 2', 'label-cv', 'EP1', 2, 'val', 'loss', 0.1752, ''),
    ('4', 'fold 2', 'label-cv', 'EP1', 2, 'test', 'loss', 0.182, ''),
    ('4', 'fold 3', 'label-cv', 'EP1', 3, 'train', 'loss', 0.1821, ''),
    ('4', 'fold 3', 'label-cv', 'EP1', 3, 'val', 'loss', 0.1786, ''),
    ('4', 'fold 3', 'label-cv', 'EP1', 3, 'test', 'loss', 0.1839, ''),
    ('4', 'fold 4', 'label-cv', 'EP1', 4, 'train', 'loss', 0.1821, ''),
    ('4', 'fold 4', 'label-cv', 'EP1', 4, 'val', 'loss', 0.1772, ''),
    ('4', 'fold 4', 'label-cv', 'EP1', 4, 'test', 'loss', 0.1828, ''),
    ('4', 'fold 5', 'label-cv', 'EP1', 5, 'train', 'loss', 0.182, ''),
    ('4', 'fold 5', 'label-cv', 'EP1', 5, 'val', 'loss', 0.1774, ''),
    ('4', 'fold 5', 'label-cv', 'EP1', 5, 'test', 'loss', 0.1861, ''),
    ('4', 'average', 'label-cv', 'EP1', NULL, 'test', 'loss', 0.1839, ''),
    ('5', 'fold 1', 'label-cv', 'NP', 1, 'train', 'loss', 0.1815, ''),
    ('5', 'fold 1', 'label-cv', 'NP', 1, 'val', 'loss', 0.1795, ''),
    ('5', 'fold 1', 'label-cv', 'NP', 1, 'test', 'loss', 0.1848, ''),
    ('5', 'fold 2', 'label-cv', 'NP', 2, 'train', 'loss', 0.1824, ''),
    ('5', 'fold 2', 'label-cv', 'NP', 2, 'val', 'loss', 0.1749, ''),
    ('5', 'fold 2', 'label-cv', 'NP', 2, 'test', 'loss', 0.1845, ''),
    ('5', 'fold 3', 'label-cv', 'NP', 3, 'train', 'loss', 0.1822, ''),
    ('5', 'fold 3', 'label-cv', 'NP', 3, 'val', 'loss', 0.1764, ''),
    ('5', 'fold 3', 'label-cv', 'NP', 3, 'test', 'loss', 0.1828, ''),
    ('5', 'fold 4', 'label-cv', 'NP', 4, 'train', 'loss', 0.1822, ''),
    ('5', 'fold 4', 'label-cv', 'NP', 4, 'val', 'loss', 0.1772, ''),
    ('5', 'fold 4', 'label-cv', 'NP', 4, 'test', 'loss', 0.1823, ''),
    ('5', 'fold 5', 'label-cv', 'NP', 5, 'train', 'loss', 0.1819, ''),
    ('5', 'fold 5', 'label-cv', 'NP', 5, 'val', 'loss', 0.1791, ''),
    ('5', 'fold 5', 'label-cv', 'NP', 5, 'test', 'loss', 0.1847, ''),
    ('5', 'average', 'label-cv', 'NP', NULL, 'test', 'loss', 0.1838, ''),
    ('6', 'fold 1', 'label-cv', 'PP1', 1, 'train', 'loss', 0.1823, ''),
    ('6', 'fold 1', 'label-cv', 'PP1', 1, 'val', 'loss', 0.1757, ''),
    ('6', 'fold 1', 'label-cv', 'PP1', 1, 'test', 'loss', 0.1853, ''),
    ('6', 'fold 2', 'label-cv', 'PP1', 2, 'train', 'loss', 0.1822, ''),
    ('6', 'fold 2', 'label-cv', 'PP1', 2, 'val', 'loss', 0.1782, ''),
    ('6', 'fold 2', 'label-cv', 'PP1', 2, 'test', 'loss', 0.1841, ''),
    ('6', 'fold 3', 'label-cv', 'PP1', 3, 'train', 'loss', 0.1823, ''),
    ('6', 'fold 3', 'label-cv', 'PP1', 3, 'val', 'loss', 0.177, ''),
    ('6', 'fold 3', 'label-cv', 'PP1', 3, 'test', 'loss', 0.1835, ''),
    ('6', 'fold 4', 'label-cv', 'PP1', 4, 'train', 'loss', 0.1825, ''),
    ('6', 'fold 4', 'label-cv', 'PP1', 4, 'val', 'loss', 0.176, ''),
    ('6', 'fold 4', 'label-cv', 'PP1', 4, 'test', 'loss', 0.1823, ''),
    ('6', 'fold 5', 'label-cv', 'PP1', 5, 'train', 'loss', 0.1817, ''),
    ('6', 'fold 5', 'label-cv', 'PP1', 5, 'val', 'loss', 0.1801, ''),
    ('6', 'fold 5', 'label-cv', 'PP1', 5, 'test', 'loss', 0.1849, ''),
    ('6', 'average', 'label-cv', 'PP1', NULL, 'test', 'loss', 0.184, ''),
    ('plot', 'experiment-1', 'experiment-1', 'none', 1, 'val', 'loss', 0.172, 'read off a plot'),
    ('plot', 'experiment-1', 'experiment-1', 'none', 1, 'val', 'psnr_paper_db', 12.6, 'read off a plot'),
    ('plot', 'experiment-1', 'experiment-1', 'none', 1, 'val', 'ssim_paper', 0.119, 'read off a plot'),
    ('plot', 'experiment-3', 'experiment-3', 'none', 1, 'val', 'loss', 0.1706, 'read off a plot'),
    ('plot', 'experiment-3', 'experiment-3', 'none', 1, 'val', 'psnr_paper_db', 12.62, 'read off a plot'),
    ('plot', 'experiment-3', 'experiment-3', 'none', 1, 'val', 'ssim_paper', 0.123, 'read off a plot'),
    ('plot', 'vae', 'vae', 'none', 1, 'val', 'loss', 764.0, 'read off a plot as 24,430 a batch of 32');

-- One row per split, fold and held-out side, against the training side. Key: split_id, fold, side.
CREATE TABLE split_sides (
    split_id              VARCHAR NOT NULL,
    fold                  INTEGER NOT NULL,
    side                  VARCHAR NOT NULL,  -- val, test or held_out: both
    n_train_patches       INTEGER NOT NULL,
    n_patches             INTEGER NOT NULL,
    n_train_images        INTEGER NOT NULL,
    n_images              INTEGER NOT NULL,
    n_shared_images       INTEGER NOT NULL,  -- on both sides; so the next two
    n_train_conditions    INTEGER NOT NULL,  -- a condition: images of equal laser settings, or of one spot
    n_conditions          INTEGER NOT NULL,
    n_shared_conditions   INTEGER NOT NULL,
    n_train_spots         INTEGER NOT NULL,  -- a spot: a place on the sample, as far as image names tell
    n_spots               INTEGER NOT NULL,
    n_shared_spots        INTEGER NOT NULL,
    n_overlapping_patches INTEGER NOT NULL,  -- of the side: share a pixel with a training patch
    overlap_share         DOUBLE NOT NULL
);

-- One row per split, fold and stratum. Key: split_id, fold, stratum.
CREATE TABLE split_strata (
    split_id        VARCHAR NOT NULL,
    fold            INTEGER NOT NULL,
    stratum         VARCHAR NOT NULL,
    label_values    VARCHAR,                 -- in order; NULL for the 80/10/10 split, like all that follows from them
    n_values        INTEGER,
    n_images        INTEGER NOT NULL,
    n_train_patches INTEGER NOT NULL,
    n_val_patches   INTEGER NOT NULL,
    n_test_patches  INTEGER NOT NULL,
    is_merged       BOOLEAN                  -- whether the bin holds more than one value
);

-- One row per split, fold, side, label and value: its share on both sides. Key: split_id, fold, side, label, label_value.
CREATE TABLE split_label_shares (
    split_id      VARCHAR NOT NULL,
    fold          INTEGER NOT NULL,
    side          VARCHAR NOT NULL,
    label         VARCHAR NOT NULL,
    label_value   VARCHAR NOT NULL,
    train_share   DOUBLE NOT NULL,           -- of the training patches
    share         DOUBLE NOT NULL,           -- of the side's patches
    deviation     DOUBLE NOT NULL            -- share - train_share
);
