-- Which Regions have a member of each set of related multi-Region keys.

CREATE TABLE kms_related_keys (
    account      TEXT NOT NULL,
    key_id       TEXT NOT NULL,        -- mrk-…: the same in every Region of the set
    regions      TEXT NOT NULL,        -- JSON list, sorted
    pending_days INTEGER,              -- waiting period of a primary that outlives its replicas
    row_version  INTEGER NOT NULL,
    mac          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_related_keys_key ON kms_related_keys (account, key_id);
