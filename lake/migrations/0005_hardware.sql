-- Purpose: what a training ran on, to stand beside its numbers and its seconds. NULL in runs that were written before.
ALTER TABLE runs ADD COLUMN hardware VARCHAR;  -- e.g. `NVIDIA H100 80GB HBM3` or `AMD EPYC 9B14, 2 cores`
