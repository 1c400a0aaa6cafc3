-- Purpose: baselines of a fold that this very code measured.
-- Grain: one row per held-out side and target range.
-- Parameters: split_id, fold, code_digest.
SELECT split, target_range FROM baselines WHERE split_id = ? AND fold = ? AND code_digest = ?
