-- Purpose: have complete runs count as not done, until they are done again; what stands of them stays.
-- Grain: changes one row per run.
-- Parameters: why, list of run_id.
UPDATE runs SET asked_again_at = now(), error = ? WHERE status = 'complete' AND run_id IN (SELECT unnest(?::VARCHAR[]))
