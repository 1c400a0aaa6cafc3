-- Purpose: rows of metrics say what could be had without a network; answers say what they were asked of.

-- Mean squared errors in the run's target range, as in fold_metrics. NULL in rows that were written before.
ALTER TABLE patch_metrics ADD COLUMN floor_mse DOUBLE;      -- least that any output in the model's range can reach
ALTER TABLE patch_metrics ADD COLUMN flat_mse DOUBLE;       -- the patch's own mean
ALTER TABLE label_metrics ADD COLUMN floor_mse DOUBLE;      -- means over the row's patches
ALTER TABLE label_metrics ADD COLUMN flat_mse DOUBLE;
ALTER TABLE label_metrics ADD COLUMN is_below_flat BOOLEAN; -- true where the model is worse than that flat patch
ALTER TABLE difficulty_values ADD COLUMN floor_mse DOUBLE;  -- means over the row's patches
ALTER TABLE difficulty_values ADD COLUMN flat_mse DOUBLE;

ALTER TABLE baselines ADD COLUMN code_digest VARCHAR;       -- code that measured; measured again once it has changed

-- One row per subject and question that was put to it. Key: subject, question.
CREATE TABLE analyses (
    subject       VARCHAR NOT NULL,      -- run_id, group_id or split_id
    question      VARCHAR NOT NULL,      -- label_means, difficulty, probe or audit
    asked_of      VARCHAR NOT NULL,      -- digest of the labels and of the code; asked again once either has changed
    refusal       VARCHAR NOT NULL,      -- what could not be asked of so few images, and why; '' where all was answered
    asked_at      TIMESTAMPTZ NOT NULL
);
