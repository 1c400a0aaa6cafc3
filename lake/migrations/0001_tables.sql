-- Purpose: the tables of the lake, as of its first version.
-- One statement a table; the comment above each gives its grain (one row per ...) and its key.
-- DuckLake has no unique keys: every writer replaces by key inside one transaction.
-- Label columns of `labels` are added at ingest, as the sheet's declaration names them.

-- One row per distinct image content. Key: image_id.
CREATE TABLE images (
    image_id      VARCHAR NOT NULL,      -- digest of the decoded grey pixels and their shape
    height_px     INTEGER NOT NULL,
    width_px      INTEGER NOT NULL,
    file_format   VARCHAR NOT NULL,      -- PNG, TIFF or BMP
    source_mode   VARCHAR NOT NULL,      -- mode of the file before conversion to 8-bit grey, e.g. L, I;16, RGB
    ingested_at   TIMESTAMPTZ NOT NULL
);

-- One row per file seen in a source folder. Key: source, path.
CREATE TABLE sources (
    source        VARCHAR NOT NULL,      -- absolute path of the source folder
    path          VARCHAR NOT NULL,      -- relative to it, forward slashes
    file_digest   VARCHAR NOT NULL,      -- digest of the file's bytes
    n_bytes       BIGINT NOT NULL,
    image_id      VARCHAR NOT NULL,
    is_present    BOOLEAN NOT NULL       -- false once the file is no longer there
);

-- One row per image and source folder. Key: source, image_id.
CREATE TABLE labels (
    source        VARCHAR NOT NULL,
    image_id      VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,      -- the sheet's own name of the image
    sheet         VARCHAR NOT NULL,      -- path of the sheet, relative to the source folder
    sheet_row     INTEGER NOT NULL,      -- 1-based row in the sheet; the header is row 1
    row_digest    VARCHAR NOT NULL,      -- digest of the typed values
    pixel_size_nm DOUBLE                 -- field of view along x / image width
);

-- One row per fault of a file or sheet row. Key: source, path, digest, rule.
CREATE TABLE rejected (
    source        VARCHAR NOT NULL,
    path          VARCHAR NOT NULL,      -- file, or `sheet.xlsx#row 12`
    digest        VARCHAR NOT NULL,      -- of the file's bytes or of the row's text; '' where nothing could be read
    rule          VARCHAR NOT NULL,      -- short name of the rule broken, e.g. `label-out-of-bounds`
    value         VARCHAR NOT NULL,      -- what stood there
    message       VARCHAR NOT NULL,
    remedy        VARCHAR NOT NULL,      -- what to do about it
    seen_at       TIMESTAMPTZ NOT NULL,
    closed_at     TIMESTAMPTZ            -- when it was gone; NULL while it stands
);

-- One row per remark on an accepted file or row. Key: source, path, digest, rule.
CREATE TABLE warnings (
    source        VARCHAR NOT NULL,
    path          VARCHAR NOT NULL,
    digest        VARCHAR NOT NULL,
    rule          VARCHAR NOT NULL,
    value         VARCHAR NOT NULL,
    message       VARCHAR NOT NULL,
    remedy        VARCHAR NOT NULL,
    seen_at       TIMESTAMPTZ NOT NULL,
    closed_at     TIMESTAMPTZ
);

-- One row per source folder: what its last completed ingest saw. Key: source.
CREATE TABLE ingests (
    source        VARCHAR NOT NULL,
    state_key     VARCHAR NOT NULL,      -- digest of every file in the folder, the sheet's declaration and the code
    n_images      INTEGER NOT NULL,      -- present, distinct, with labels
    n_new_images  INTEGER NOT NULL,      -- contents the lake had not seen before
    n_rejected    INTEGER NOT NULL,
    n_warnings    INTEGER NOT NULL,
    ingested_at   TIMESTAMPTZ NOT NULL
);

-- One row per patch recipe. Key: recipe_id.
CREATE TABLE recipes (
    recipe_id     VARCHAR NOT NULL,
    size_px       INTEGER NOT NULL,
    n_per_image   INTEGER NOT NULL,
    gain_low      DOUBLE NOT NULL,       -- brightness factor, dimensionless
    gain_high     DOUBLE NOT NULL,
    seed          BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

-- One row per patch. Key: patch_id.
CREATE TABLE patches (
    patch_id      VARCHAR NOT NULL,      -- digest of image, recipe, origin and gain
    image_id      VARCHAR NOT NULL,
    recipe_id     VARCHAR NOT NULL,
    patch_index   INTEGER NOT NULL,      -- 0-based draw within the image
    origin_row    INTEGER NOT NULL,      -- top-left corner in the image, px
    origin_col    INTEGER NOT NULL,
    gain          DOUBLE NOT NULL,
    shard         VARCHAR NOT NULL,      -- shard file, relative to the lake
    shard_row     INTEGER NOT NULL       -- 0-based row in the shard
);

-- One row per frozen training set. Key: dataset_id.
CREATE TABLE datasets (
    dataset_id        VARCHAR NOT NULL,  -- digest of the recipe and the sorted patch ids
    recipe_id         VARCHAR NOT NULL,
    patches_per_image INTEGER NOT NULL,
    n_images          INTEGER NOT NULL,
    n_patches         INTEGER NOT NULL,
    source            VARCHAR NOT NULL,
    snapshot_id       BIGINT NOT NULL,   -- lake snapshot it was read at
    created_at        TIMESTAMPTZ NOT NULL
);

-- One row per way of cutting a data set into folds. Key: split_id.
CREATE TABLE splits (
    split_id      VARCHAR NOT NULL,      -- digest of data set, scheme, label, seed, fold count and label values
    dataset_id    VARCHAR NOT NULL,
    scheme        VARCHAR NOT NULL,      -- paper, grouped or holdout
    label         VARCHAR NOT NULL,      -- angle, PP1, NP, EP1, ... or `none`
    n_folds       INTEGER NOT NULL,
    seed          BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

-- One row per split, fold and patch. Key: split_id, fold, patch_id.
CREATE TABLE folds (
    split_id      VARCHAR NOT NULL,
    fold          INTEGER NOT NULL,      -- 1 .. n_folds
    patch_id      VARCHAR NOT NULL,
    image_id      VARCHAR NOT NULL,
    split         VARCHAR NOT NULL,      -- train, val or test
    stratum       VARCHAR NOT NULL       -- bin used only for splitting
);

-- One row per training. Key: run_id.
CREATE TABLE runs (
    run_id        VARCHAR NOT NULL,      -- digest of split, fold, seed, settings, code and library versions
    preset        VARCHAR NOT NULL,
    profile       VARCHAR NOT NULL,      -- quick or paper
    model         VARCHAR NOT NULL,      -- ae or vae
    scheme        VARCHAR NOT NULL,
    label         VARCHAR NOT NULL,
    fold          INTEGER NOT NULL,
    n_folds       INTEGER NOT NULL,
    seed          BIGINT NOT NULL,
    dataset_id    VARCHAR NOT NULL,
    split_id      VARCHAR NOT NULL,
    settings      JSON NOT NULL,         -- every training setting, after defaults
    code_digest   VARCHAR NOT NULL,
    versions      JSON NOT NULL,         -- python and libraries that shape the numbers
    device        VARCHAR NOT NULL,      -- cpu, cuda or mps; '' where it failed
    snapshot_id   BIGINT NOT NULL,       -- lake snapshot the data set was read at
    flow_run_id   VARCHAR NOT NULL,      -- '' when trained outside Prefect
    status        VARCHAR NOT NULL,      -- complete or failed
    error         VARCHAR NOT NULL,      -- '' unless failed
    n_parameters  BIGINT NOT NULL,
    started_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ NOT NULL,
    seconds       DOUBLE NOT NULL        -- spent training and scoring
);

-- One row per run and epoch. Key: run_id, epoch. Losses per patch in the run's own target range.
CREATE TABLE epochs (
    run_id            VARCHAR NOT NULL,
    epoch             INTEGER NOT NULL,  -- 1-based
    train_loss        DOUBLE NOT NULL,   -- mean over the epoch's steps, dropout on
    val_loss          DOUBLE NOT NULL,
    val_mse           DOUBLE NOT NULL,   -- mean squared error, target range
    val_kl            DOUBLE,            -- KL divergence per patch, nats; NULL for an autoencoder
    val_psnr_paper_db DOUBLE NOT NULL,   -- the report's definition
    val_ssim_paper    DOUBLE NOT NULL,
    val_psnr_db       DOUBLE NOT NULL,   -- fixed range on [0, 1]
    val_ssim          DOUBLE NOT NULL,   -- window 7, data_range 1, on [0, 1]
    learning_rate     DOUBLE NOT NULL,
    seconds           DOUBLE NOT NULL
);

-- One row per run and split scored with the best-by-loss checkpoint. Key: run_id, split.
-- The naming columns repeat the run's, so that one-line queries need no join.
CREATE TABLE fold_metrics (
    run_id        VARCHAR NOT NULL,
    split         VARCHAR NOT NULL,      -- train, val or test; train is the last-epoch training loss only
    profile       VARCHAR NOT NULL,
    preset        VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    scheme        VARCHAR NOT NULL,
    label         VARCHAR NOT NULL,
    fold          INTEGER NOT NULL,
    seed          BIGINT NOT NULL,
    n_patches     INTEGER NOT NULL,
    n_images      INTEGER NOT NULL,
    loss          DOUBLE NOT NULL,       -- what training minimises, per patch
    mse           DOUBLE,                -- target range; NULL on the train row, like all below
    kl            DOUBLE,                -- nats per patch; NULL for an autoencoder
    psnr_paper_db DOUBLE,
    ssim_paper    DOUBLE,
    psnr_db       DOUBLE,
    ssim          DOUBLE,
    floor_mse     DOUBLE,                -- least MSE any output in the model's range can reach on these patches
    ceiling_psnr_paper_db DOUBLE,        -- the report's PSNR at that floor
    flat_mse      DOUBLE,                -- MSE of each patch's own mean: the flat-patch baseline
    is_below_flat BOOLEAN                -- true where the model is worse than that flat patch
);

-- One row per run, label, label value and split. Key: all four.
CREATE TABLE label_metrics (
    run_id        VARCHAR NOT NULL,
    label         VARCHAR NOT NULL,
    label_value   VARCHAR NOT NULL,
    split         VARCHAR NOT NULL,
    n_patches     INTEGER NOT NULL,
    n_images      INTEGER NOT NULL,
    mse           DOUBLE NOT NULL,       -- mean over patches, target range
    mse_ci_low    DOUBLE,                -- 95 % over images of the mean: bootstrap, Student's below 8; NULL with fewer than two
    mse_ci_high   DOUBLE,
    psnr_db       DOUBLE NOT NULL,
    ssim          DOUBLE NOT NULL
);

-- One row per run and held-out patch. Key: run_id, patch_id.
CREATE TABLE patch_metrics (
    run_id        VARCHAR NOT NULL,
    patch_id      VARCHAR NOT NULL,
    image_id      VARCHAR NOT NULL,
    split         VARCHAR NOT NULL,
    mse           DOUBLE NOT NULL,
    psnr_paper_db DOUBLE NOT NULL,
    ssim_paper    DOUBLE NOT NULL,
    psnr_db       DOUBLE NOT NULL,
    ssim          DOUBLE NOT NULL
);

-- One row per stored checkpoint. Key: model_id.
CREATE TABLE models (
    model_id      VARCHAR NOT NULL,      -- digest of run and best_by
    run_id        VARCHAR NOT NULL,
    best_by       VARCHAR NOT NULL,      -- loss, psnr, ssim or last
    epoch         INTEGER NOT NULL,
    path          VARCHAR NOT NULL,      -- relative to the lake
    file_digest   VARCHAR NOT NULL,
    n_bytes       BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

-- One row per night. Key: night_id.
CREATE TABLE nights (
    night_id      VARCHAR NOT NULL,      -- flow run id of the retrain flow
    sequence      BIGINT NOT NULL,       -- 1, 2, ...; the order of nights, whatever the clock says
    profile       VARCHAR NOT NULL,
    source        VARCHAR NOT NULL,
    dataset_id    VARCHAR NOT NULL,
    status        VARCHAR NOT NULL,      -- complete or failed
    n_new_images  INTEGER NOT NULL,
    n_rejected    INTEGER NOT NULL,
    n_new_patches INTEGER NOT NULL,
    n_trained     INTEGER NOT NULL,
    n_failed      INTEGER NOT NULL,
    n_reused      INTEGER NOT NULL,      -- runs that stood complete already
    started_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ NOT NULL
);

-- One row per night and run that belongs to it. Key: night_id, run_id.
CREATE TABLE night_runs (
    night_id      VARCHAR NOT NULL,
    run_id        VARCHAR NOT NULL,
    is_reused     BOOLEAN NOT NULL
);
