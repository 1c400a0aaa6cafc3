-- Purpose: what the lake knows of itself. Applied first, together with the lake's identity.

-- One row per migration applied. Key: version.
CREATE TABLE migrations (
    version       INTEGER NOT NULL,      -- number the file's name begins with
    name          VARCHAR NOT NULL,
    applied_at    TIMESTAMPTZ NOT NULL
);

-- One row per fact about the lake: lake_id (uuid), views_digest, views_revision. Key: key.
CREATE TABLE meta (
    key           VARCHAR NOT NULL,
    value         VARCHAR NOT NULL
);
