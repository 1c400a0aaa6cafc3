-- Purpose: how a training shared its machine. NULL in runs that were written before.
ALTER TABLE runs ADD COLUMN n_threads INTEGER;   -- CPU threads of torch; the last digits of its sums depend on it
