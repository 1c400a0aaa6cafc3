-- Purpose: whether a training was one of several in one network. NULL in runs that were written before.
-- Such trainings share the seconds of `runs` and `epochs`.
ALTER TABLE runs ADD COLUMN n_together INTEGER;  -- trainings of that network; 1 for one by itself
