-- Purpose: what could be had without a model, what a code says, which label is harder.

-- One row per split, fold, held-out side and target range. Key: all four. Of pixels as they are, no other view.
-- Mean squared errors in the target range, means over the side's patches; PCA is fitted on the fold's training patches.
CREATE TABLE baselines (
    split_id           VARCHAR NOT NULL,
    fold               INTEGER NOT NULL,
    split              VARCHAR NOT NULL,  -- val or test
    target_range       VARCHAR NOT NULL,  -- signed or unit
    n_patches          INTEGER NOT NULL,
    floor_mse          DOUBLE NOT NULL,   -- least that any output on [0, 1] can reach
    flat_mse           DOUBLE NOT NULL,   -- each patch's own mean
    flat_reachable_mse DOUBLE NOT NULL,   -- the best flat patch on [0, 1]
    gain_offset_mse    DOUBLE NOT NULL,   -- the mean training patch with each patch's own gain and offset
    pca_8_mse          DOUBLE,            -- NULL where the training patches vary in fewer ways
    pca_32_mse         DOUBLE,
    pca_128_mse        DOUBLE,
    pca_512_mse        DOUBLE
);

-- One row per run and patch: all patches of a run on the 80/10/10 split, the test patches of a fold. Key: run_id, patch_id.
CREATE TABLE latents (
    run_id       VARCHAR NOT NULL,
    patch_id     VARCHAR NOT NULL,
    image_id     VARCHAR NOT NULL,
    split        VARCHAR NOT NULL,        -- train, val or test
    code_kind    VARCHAR NOT NULL,        -- mu, bottleneck, or map_means: the mean of each feature map of a larger code
    code         FLOAT[] NOT NULL
);

-- One row per run, patch and method: the code in two dimensions, to look at. Key: run_id, patch_id, method.
CREATE TABLE embeddings (
    run_id       VARCHAR NOT NULL,
    patch_id     VARCHAR NOT NULL,
    method       VARCHAR NOT NULL,        -- pca, tsne or umap
    x            DOUBLE NOT NULL,
    y            DOUBLE NOT NULL
);

-- One row per group: the runs of a night that differ in label, fold and seed alone. Key: group_id.
CREATE TABLE groups (
    group_id     VARCHAR NOT NULL,        -- digest of its sorted run ids
    profile      VARCHAR NOT NULL,
    preset       VARCHAR NOT NULL,
    scheme       VARCHAR NOT NULL,
    n_runs       INTEGER NOT NULL
);

-- One row per night and group. Key: night_id, group_id.
CREATE TABLE night_groups (
    night_id     VARCHAR NOT NULL,
    group_id     VARCHAR NOT NULL
);

-- One row per group, label and value. Key: group_id, label, label_value. Losses: MSE of test patches, target range.
CREATE TABLE difficulty_values (
    group_id     VARCHAR NOT NULL,
    label        VARCHAR NOT NULL,
    label_value  VARCHAR NOT NULL,
    n_images     INTEGER NOT NULL,
    n_patches    INTEGER NOT NULL,
    mean_loss    DOUBLE NOT NULL,         -- over patches
    ci_low       DOUBLE,                  -- 95 % over conditions, repeats together: bootstrap, Student's below 8; NULL with one
    ci_high      DOUBLE
);

-- One row per group, label and pair of values. Key: group_id, label, harder_value, easier_value.
CREATE TABLE difficulty_pairs (
    group_id        VARCHAR NOT NULL,
    label           VARCHAR NOT NULL,
    harder_value    VARCHAR NOT NULL,
    easier_value    VARCHAR NOT NULL,
    n_images_harder INTEGER NOT NULL,
    n_images_easier INTEGER NOT NULL,
    difference      DOUBLE NOT NULL,
    ci_low          DOUBLE,               -- 95 % over conditions: as above, Welch's below 8
    ci_high         DOUBLE,
    p_value         DOUBLE,               -- label values shuffled over conditions
    p_holm          DOUBLE,               -- corrected for the pairs of the label
    is_claimed      BOOLEAN               -- label, pair and interval all support it
);

-- One row per group and label: does the loss depend on it at all? Key: group_id, label.
CREATE TABLE difficulty_tests (
    group_id          VARCHAR NOT NULL,
    label             VARCHAR NOT NULL,
    n_values          INTEGER NOT NULL,
    n_images          INTEGER NOT NULL,
    n_images_left_out INTEGER NOT NULL,
    statistic         DOUBLE,             -- variance between value means, loss squared
    p_value           DOUBLE,
    p_holm            DOUBLE,             -- corrected for the labels
    n_tests           INTEGER NOT NULL
);

-- One row per group, label and sentence. Key: group_id, label, place.
CREATE TABLE difficulty_sentences (
    group_id     VARCHAR NOT NULL,
    label        VARCHAR NOT NULL,        -- 'folds' for the report's own way of asking
    place        INTEGER NOT NULL,        -- order within the label
    sentence     VARCHAR NOT NULL
);

-- One row per group and label that folds were drawn by: the report's own way of asking. Key: group_id, label.
CREATE TABLE fold_averages (
    group_id     VARCHAR NOT NULL,
    label        VARCHAR NOT NULL,
    n_folds      INTEGER NOT NULL,
    mean_loss    DOUBLE NOT NULL,         -- mean over folds of the test loss
    sd           DOUBLE                   -- over folds; NULL with one fold
);

-- One row per split, run, features, label, probe, unit and metric. Key: all seven.
CREATE TABLE probes (
    split_id       VARCHAR NOT NULL,
    run_id         VARCHAR NOT NULL,      -- '' where the features need no run
    features       VARCHAR NOT NULL,      -- latent, pca_8, pca_32, pca_128 or spectrum
    label          VARCHAR NOT NULL,
    probe          VARCHAR NOT NULL,      -- logistic, ridge or knn
    unit           VARCHAR NOT NULL,      -- patch, or image: by vote of its patches
    metric         VARCHAR NOT NULL,      -- balanced_accuracy, r2 or level_accuracy
    score          DOUBLE NOT NULL,
    null_mean      DOUBLE NOT NULL,       -- of labels shuffled over what stays on one side of a fold
    null_sd        DOUBLE,
    p_value        DOUBLE NOT NULL,
    n_permutations INTEGER NOT NULL,
    n_patches      INTEGER NOT NULL,
    n_images       INTEGER NOT NULL,
    n_values       INTEGER NOT NULL,
    fold_groups    VARCHAR NOT NULL       -- what stays on one side of a fold: condition
);
