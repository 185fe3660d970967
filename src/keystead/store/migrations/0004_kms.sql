-- What is remembered of keys (keystead.kms.records). Times: microseconds since the epoch.
-- Rowid tables with a unique index on the key columns: random ids append instead of splitting
-- pages.

CREATE TABLE kms_keys (
    account          TEXT NOT NULL,
    region           TEXT NOT NULL,
    key_id           TEXT NOT NULL,
    state            TEXT NOT NULL,
    key_spec         TEXT NOT NULL,
    key_usage        TEXT NOT NULL,
    origin           TEXT NOT NULL,
    manager          TEXT NOT NULL,
    multi_region     TEXT NOT NULL,
    description      TEXT NOT NULL,
    tags             TEXT NOT NULL,
    material_id      TEXT NOT NULL,
    policy_id        TEXT NOT NULL,
    created_us       INTEGER NOT NULL,
    deletion_us      INTEGER,
    rotation_days    INTEGER NOT NULL,
    next_rotation_us INTEGER,
    row_version      INTEGER NOT NULL,
    mac              BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_keys_key ON kms_keys (account, region, key_id);
-- What the jobs look for: few rows, so partial indexes.
CREATE INDEX kms_keys_deletion ON kms_keys (deletion_us) WHERE deletion_us IS NOT NULL;
CREATE INDEX kms_keys_rotation ON kms_keys (next_rotation_us) WHERE next_rotation_us IS NOT NULL;

CREATE TABLE kms_key_policies (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    name        TEXT NOT NULL,
    text        TEXT NOT NULL,
    principals  TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_key_policies_key ON kms_key_policies (account, region, key_id, name);

CREATE TABLE kms_aliases (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    name        TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    updated_us  INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_aliases_key ON kms_aliases (account, region, name);
CREATE INDEX kms_aliases_target ON kms_aliases (account, region, key_id, name);

CREATE TABLE kms_materials (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    generation    INTEGER NOT NULL,
    material_id   TEXT NOT NULL,
    rotated_us    INTEGER,
    rotation_type TEXT,
    row_version   INTEGER NOT NULL,
    mac           BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_materials_key ON kms_materials (account, region, key_id, generation);

CREATE TABLE kms_tombstones (
    account      TEXT NOT NULL,
    region       TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    destroyed_us INTEGER NOT NULL,
    row_version  INTEGER NOT NULL,
    mac          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_tombstones_key ON kms_tombstones (account, region, key_id);

CREATE TABLE kms_key_counts (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    keys        INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_key_counts_key ON kms_key_counts (account, region);
