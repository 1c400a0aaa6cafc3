-- Purpose: the digest of the labels and the code that a run's means by label value were made of.
-- Grain: one row, or none.
-- Parameters: run_id.
SELECT asked_of FROM analyses WHERE subject = ? AND question = 'label_means'
