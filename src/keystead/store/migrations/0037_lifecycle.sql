-- What the server does on its own, and what is known of keys for their owners. Times: microseconds
-- since the epoch.

-- What the jobs look for, in the order in which they work.
DROP INDEX kms_keys_deletion;
DROP INDEX kms_keys_rotation;
CREATE INDEX kms_keys_deletion ON kms_keys (deletion_us, account, region, key_id)
    WHERE deletion_us IS NOT NULL;
CREATE INDEX kms_keys_rotation ON kms_keys (next_rotation_us, account, region, key_id)
    WHERE next_rotation_us IS NOT NULL AND state = 'Enabled';

-- What became of each kind of dated work (keystead.server.installation.jobs).
CREATE TABLE server_jobs (
    name        TEXT NOT NULL,
    since_us    INTEGER NOT NULL,  -- when this installation first had the job
    ran_us      INTEGER,           -- when it last did something, or failed at it
    done        INTEGER NOT NULL,  -- how often it did something
    failed      INTEGER NOT NULL,  -- how often it failed
    failed_us   INTEGER,
    failure     TEXT NOT NULL,     -- where and why it failed last
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX server_jobs_key ON server_jobs (name);

-- The last cryptographic use of each key.
CREATE TABLE kms_key_uses (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    operation   TEXT NOT NULL,
    used_us     INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_key_uses_key ON kms_key_uses (account, region, key_id);

-- What this installation signed about the keys that it destroyed.
CREATE TABLE kms_tombstone_statements (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    statement   TEXT NOT NULL,
    signature   BLOB NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_tombstone_statements_key
    ON kms_tombstone_statements (account, region, key_id);
