-- What a seed made in an installation for development (keystead.server.installation.development).
-- Every other installation has no row here.

CREATE TABLE server_seeds (
    name        TEXT NOT NULL PRIMARY KEY, -- "key us-east-1/1234…"
    digest      TEXT NOT NULL,             -- SHA-256 of what the seed said of it
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
