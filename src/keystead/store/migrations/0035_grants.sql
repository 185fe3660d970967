-- Grants on keys (keystead.kms.grants). Times: microseconds since the epoch.

CREATE TABLE kms_grants (
    account        TEXT NOT NULL,
    region         TEXT NOT NULL,
    key_id         TEXT NOT NULL,
    grant_id       TEXT NOT NULL,
    name           TEXT NOT NULL,  -- '' without one
    grantee        TEXT NOT NULL,  -- as the request wrote it
    grantee_meant  TEXT NOT NULL,  -- the unique id that it meant; '' for a service
    grantee_id     TEXT NOT NULL,  -- how policies know the grantee
    retirer        TEXT NOT NULL,  -- '' without one
    retirer_meant  TEXT NOT NULL,
    retirer_id     TEXT NOT NULL,
    issuer         TEXT NOT NULL,  -- the account that made it
    operations     TEXT NOT NULL,  -- divided by spaces
    context_type   TEXT NOT NULL,  -- '' without a constraint on the encryption context
    context        TEXT NOT NULL,  -- JSON object
    source_arn     TEXT NOT NULL,  -- '' without this constraint
    permission     TEXT NOT NULL,  -- a hash of what it allows, and to whom
    same           TEXT,           -- a hash of everything that a request says; NULL without a name
    created_us     INTEGER NOT NULL,
    row_version    INTEGER NOT NULL,
    mac            BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_grants_key ON kms_grants (account, region, key_id, grant_id);
CREATE INDEX kms_grants_same ON kms_grants (account, region, key_id, same) WHERE same IS NOT NULL;
CREATE INDEX kms_grants_permission ON kms_grants (account, region, key_id, permission);
CREATE INDEX kms_grants_grantee ON kms_grants (account, region, key_id, grantee_id, grant_id);
CREATE INDEX kms_grants_retirer ON kms_grants (retirer_id, region, account, key_id, grant_id)
    WHERE retirer_id <> '';
CREATE INDEX kms_grants_constrained ON kms_grants (account, region, key_id, grantee_id)
    WHERE context <> '{}' OR source_arn <> '';

-- What grants allow, in the form in which decisions find it: equal permissions once.
CREATE TABLE kms_grant_statements (
    account     TEXT NOT NULL,
    place       TEXT NOT NULL,  -- a hash of the key, the grantee, and a pair that a request must have
    part        TEXT NOT NULL,  -- which statement of the grant
    permission  TEXT NOT NULL,
    region      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    grant_id    TEXT NOT NULL,  -- one of the grants that allow it
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_grant_statements_key
    ON kms_grant_statements (account, place, part, permission);

-- A key that has grants; a grantee whose grants on a key have constraints.
CREATE TABLE kms_grant_marks (
    account     TEXT NOT NULL,
    mark        TEXT NOT NULL,  -- a hash of the key, and of the grantee
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_grant_marks_key ON kms_grant_marks (account, mark);

CREATE TABLE kms_grant_counts (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    grants      INTEGER NOT NULL,
    doomed      INTEGER NOT NULL,  -- 1: the key is destroyed, and some of its grants are still there
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_grant_counts_key ON kms_grant_counts (account, region, key_id);
-- What a job looks for.
CREATE INDEX kms_grant_counts_doomed ON kms_grant_counts (doomed) WHERE doomed = 1;
