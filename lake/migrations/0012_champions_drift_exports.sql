-- Purpose: which model is the best of its preset, and why; how new images look to it; where exports went.

-- One row per change of champion. Key: sequence. The champion of a source and preset: that of its last row.
CREATE TABLE champions (
    sequence        BIGINT NOT NULL,      -- 1, 2, ...; the order of changes, whatever the clock says
    source          VARCHAR NOT NULL,     -- source folder that its images are from
    preset          VARCHAR NOT NULL,
    group_id        VARCHAR NOT NULL,     -- the trainings that it was judged by
    run_id          VARCHAR NOT NULL,     -- the model: of these trainings, the one with the least validation error
    how             VARCHAR NOT NULL,     -- promoted, or rolled back: made champion again by hand
    reason          VARCHAR NOT NULL,     -- which part of the rule decided, or what was said at the rollback
    mse             DOUBLE NOT NULL,      -- mean over test images of each image's mean error, target range
    psnr_db         DOUBLE NOT NULL,      -- mean over the group's runs of that of their test patches, on [0, 1]
    n_images        INTEGER NOT NULL,     -- test images, over all folds
    night_sequence  BIGINT NOT NULL,      -- night that judged it
    snapshot_id     BIGINT NOT NULL,      -- lake snapshot that holds its data and folds; never expired
    since           TIMESTAMPTZ NOT NULL
);

-- One row per candidate and champion that it was judged against. Key: source, group_id, champion_group_id.
CREATE TABLE champion_decisions (
    group_id          VARCHAR NOT NULL,   -- the candidate's trainings
    champion_group_id VARCHAR NOT NULL,   -- '' where there was no champion
    night_sequence    BIGINT NOT NULL,
    source            VARCHAR NOT NULL,
    preset            VARCHAR NOT NULL,
    scheme            VARCHAR NOT NULL,
    is_promoted       BOOLEAN NOT NULL,
    reason            VARCHAR NOT NULL,   -- which part of the rule decided, in a sentence
    mse               DOUBLE,             -- of the candidate, mean over its test images; NULL where none was tested
    n_images          INTEGER NOT NULL,   -- of these
    difference        DOUBLE,             -- candidate minus champion, target range; NULL where not compared
    ci_low            DOUBLE,             -- 95 % over images: bootstrap, Student's or Welch's below 8
    ci_high           DOUBLE,
    n_common          INTEGER,            -- images that both were tested on, where it was compared on these alone
    decided_at        TIMESTAMPTZ NOT NULL
);

-- One row per image that a champion has looked at. Key: source, image_id.
CREATE TABLE drift (
    source              VARCHAR NOT NULL,
    image_id            VARCHAR NOT NULL,
    night_sequence      BIGINT NOT NULL,  -- night that looked
    preset              VARCHAR NOT NULL,
    run_id              VARCHAR NOT NULL, -- the champion's model, trained without the image
    verdict             VARCHAR NOT NULL, -- known, new condition, microscope changed or bad image
    reason              VARCHAR NOT NULL,
    n_patches           INTEGER NOT NULL,
    mse                 DOUBLE NOT NULL,  -- mean over its patches, target range
    loss_percentile     DOUBLE NOT NULL,  -- 0 to 100: held-out patches of the champion with a smaller error
    latent_distance     DOUBLE,           -- to the nearest known image's code; 1: as far as the loneliest known one; NULL with few
    pixel_size_nm       DOUBLE,
    field_of_view_um    DOUBLE,           -- along x
    unseen_labels       VARCHAR NOT NULL, -- labels whose value the champion has not seen, e.g. `NP=320`; '' for none
    judged_at           TIMESTAMPTZ NOT NULL
);

-- One row per folder that patches were exported to. Key: target.
CREATE TABLE exports (
    target              VARCHAR NOT NULL, -- absolute path
    source              VARCHAR NOT NULL, -- source folder whose patches they are
    begun_at            TIMESTAMPTZ NOT NULL,
    finished_at         TIMESTAMPTZ       -- NULL where it was cut off, or still goes on
);
