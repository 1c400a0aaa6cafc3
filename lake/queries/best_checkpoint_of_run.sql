-- Purpose: the file of a run's best checkpoint by validation loss.
-- Grain: one row, or none.
-- Parameters: run_id.
SELECT path FROM models WHERE run_id = ? AND best_by = 'loss'
