-- Purpose: the ledger: of each step of each night, whether it ran, on which inputs, and which of them were new.

-- One row per night and step. Key: night_id, step.
CREATE TABLE reasons (
    night_id      VARCHAR NOT NULL,
    step          VARCHAR NOT NULL,      -- e.g. cut patches, train NP fold 3/5 ae grouped, label-cv seed 0
    is_hit        BOOLEAN NOT NULL,      -- what an earlier night left stood in for running it
    inputs        VARCHAR NOT NULL,      -- JSON: name and digest, or value, of all that the step depends on
    inputs_digest VARCHAR NOT NULL,
    changed       VARCHAR,               -- JSON: name, then what it was in the last night that had this step and what it is; NULL where none had
    made_in       BIGINT                 -- sequence of the night that made what stands; NULL where the ledger does not know
);
