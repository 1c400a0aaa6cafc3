-- Purpose: what it takes to do a training again, and to say what has changed since.
ALTER TABLE splits ADD COLUMN snapshot_id BIGINT;  -- lake snapshot that holds its folds, kept; NULL in rows written before

-- One row per training code and module of it. Key: code_digest, module.
CREATE TABLE code_modules (
    code_digest   VARCHAR NOT NULL,      -- as in runs
    module        VARCHAR NOT NULL,      -- e.g. deepdlt.loss.losses
    module_digest VARCHAR NOT NULL       -- of its syntax tree; comments, docstrings and layout do not count
);
