-- Purpose: what a night was asked to do again, and what must be there for a hit to count.
ALTER TABLE nights ADD COLUMN refresh VARCHAR;            -- steps that were asked for, e.g. cut train:NP; '' where none was; NULL in older rows
ALTER TABLE reasons ADD COLUMN is_asked_for BOOLEAN;      -- true where it ran because it was asked for by name
ALTER TABLE night_runs ADD COLUMN is_asked_for BOOLEAN;
ALTER TABLE patches ADD COLUMN shard_bytes BIGINT;        -- size of the shard's file; NULL in older rows
ALTER TABLE splits ADD COLUMN n_rows BIGINT;              -- rows of `folds` that it has; NULL in older rows
