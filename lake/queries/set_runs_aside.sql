-- Purpose: have complete runs count as not done, until they are done again.
-- Grain: changes one row per run.
-- Parameters: why, list of run_id.
UPDATE runs SET status = 'failed', error = ? WHERE status = 'complete' AND run_id IN (SELECT unnest(?::VARCHAR[]))
