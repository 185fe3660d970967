-- The settings that new instances of an account in a Region get for their metadata.

CREATE TABLE ec2_metadata_defaults (
    account         TEXT NOT NULL,
    region          TEXT NOT NULL,
    http_tokens     TEXT NOT NULL,    -- this and the others: "no-preference" if nothing was chosen
    hop_limit       INTEGER NOT NULL, -- -1: nothing was chosen
    endpoint        TEXT NOT NULL,
    metadata_tags   TEXT NOT NULL,
    tokens_enforced TEXT NOT NULL,
    row_version     INTEGER NOT NULL,
    mac             BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_metadata_defaults_key ON ec2_metadata_defaults (account, region);
