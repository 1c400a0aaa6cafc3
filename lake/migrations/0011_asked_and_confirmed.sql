-- Purpose: what a night was asked to do again, and what must be there for a hit to count.
ALTER TABLE nights ADD COLUMN refresh VARCHAR;            -- steps that were asked for, e.g. cut train:NP; '' where none was; NULL in older rows
ALTER TABLE reasons ADD COLUMN is_asked_for BOOLEAN;      -- true where it ran because it was asked for by name
ALTER TABLE night_runs ADD COLUMN is_asked_for BOOLEAN;
ALTER TABLE patches ADD COLUMN shard_bytes BIGINT;        -- size of the shard's file; NULL in older rows
ALTER TABLE splits ADD COLUMN n_rows BIGINT;              -- rows of `folds` that it has; NULL in older rows

-- One row per image that is not to come back by itself. Key: image_id.
CREATE TABLE forgotten (
    image_id      VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,      -- path of its file when it was forgotten
    source        VARCHAR NOT NULL,      -- source folder that it lay in
    last_night    BIGINT NOT NULL,       -- number of the newest night then; numbers are not given twice
    forgotten_at  TIMESTAMPTZ NOT NULL,
    taken_back_at TIMESTAMPTZ            -- NULL while it stays away
);

-- One row per file or folder that is to be removed, since the rows that it belonged to are gone. Key: path.
CREATE TABLE leftovers (
    path          VARCHAR NOT NULL       -- relative to the lake
);
