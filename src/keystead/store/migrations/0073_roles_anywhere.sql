-- IAM Roles Anywhere: whose certificates are believed, and for which roles
-- (keystead.identity.repository.anywhere).

CREATE TABLE ra_trust_anchor (
    account TEXT NOT NULL,
    anchor_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    certificates TEXT NOT NULL,       -- PEM, as it was given
    enabled INTEGER NOT NULL,
    revision INTEGER NOT NULL,        -- sessions end with it
    notifications TEXT NOT NULL,      -- JSON: the settings that were put
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_trust_anchor_key ON ra_trust_anchor (account, anchor_id);

CREATE TABLE ra_profile (
    account TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    roles TEXT NOT NULL,              -- JSON: ARNs, each with the number under which it came
    next_role INTEGER NOT NULL,
    session_policy TEXT NOT NULL,     -- "" = none
    managed_policies TEXT NOT NULL,   -- JSON: ARNs
    duration INTEGER NOT NULL,        -- seconds
    takes_session_names INTEGER NOT NULL,
    needs_properties INTEGER NOT NULL,
    mappings TEXT NOT NULL,           -- JSON: specifiers by the field of a certificate
    created_by TEXT NOT NULL,
    revision INTEGER NOT NULL,        -- sessions end with it
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_profile_key ON ra_profile (account, profile_id);

CREATE TABLE ra_crl (
    account TEXT NOT NULL,
    crl_id TEXT NOT NULL,
    region TEXT NOT NULL,
    anchor_id TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_crl_key ON ra_crl (account, crl_id);
CREATE INDEX ra_crl_anchor ON ra_crl (account, anchor_id);

-- The lists themselves, as they were imported: no decision reads them.
CREATE TABLE ra_crl_data (
    account TEXT NOT NULL,
    crl_id TEXT NOT NULL,
    data BLOB NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_crl_data_key ON ra_crl_data (account, crl_id);

-- Which certificates they revoke.
CREATE TABLE ra_crl_revoked (
    account TEXT NOT NULL,
    crl_id TEXT NOT NULL,
    digests BLOB NOT NULL,            -- 16 bytes for each certificate, in order
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_crl_revoked_key ON ra_crl_revoked (account, crl_id);

-- IAM Roles Anywhere: who got sessions by a certificate, and which requests were used.

CREATE TABLE ra_subject (
    account TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    region TEXT NOT NULL,
    subject_key TEXT NOT NULL,        -- SHA-256 of the Region and the name
    x509_subject TEXT NOT NULL,       -- the name, RFC 4514
    credentials TEXT NOT NULL,        -- JSON: the last few certificates
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    tags TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_subject_key ON ra_subject (account, subject_id);
CREATE UNIQUE INDEX ra_subject_name ON ra_subject (account, subject_key);
CREATE INDEX ra_subject_seen ON ra_subject (account, last_seen);

-- The requests that gave a session: each of them once, also across a restart.
CREATE TABLE ra_used_request (
    account TEXT NOT NULL,
    digest TEXT NOT NULL,
    stale INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_used_request_key ON ra_used_request (account, digest);
CREATE INDEX ra_used_request_stale ON ra_used_request (stale);
