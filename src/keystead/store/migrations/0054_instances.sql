-- Instances: the hosts of applications, the profiles that give them a role, and their agents.

CREATE TABLE ec2_instance (
    account         TEXT NOT NULL,
    instance_id     TEXT NOT NULL,
    region          TEXT NOT NULL,
    zone            TEXT NOT NULL,
    instance_type   TEXT NOT NULL,
    image_id        TEXT NOT NULL,
    private_ip      TEXT NOT NULL,    -- "" = not known
    vpc_id          TEXT NOT NULL,    -- "" = in none
    endpoint        TEXT NOT NULL,    -- of its metadata: enabled or disabled
    hop_limit       INTEGER NOT NULL, -- the IP TTL of the agent's answers
    options_version INTEGER NOT NULL, -- how often the two were changed
    document        TEXT NOT NULL,    -- its identity document, signed at its registration
    signature       TEXT NOT NULL,    -- base64
    pkcs7           TEXT NOT NULL,    -- base64, DER
    registered      INTEGER NOT NULL,
    row_version     INTEGER NOT NULL,
    mac             BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_instance_key ON ec2_instance (account, instance_id);

CREATE TABLE ec2_profile_association (
    account        TEXT NOT NULL,
    association_id TEXT NOT NULL,
    instance_id    TEXT NOT NULL,
    region         TEXT NOT NULL,
    profile_id     TEXT NOT NULL,
    profile_arn    TEXT NOT NULL,
    associated     INTEGER NOT NULL,
    row_version    INTEGER NOT NULL,
    mac            BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_profile_association_key
    ON ec2_profile_association (account, association_id);
CREATE UNIQUE INDEX ec2_profile_association_instance
    ON ec2_profile_association (account, instance_id);

-- A token with which one agent enrols, once.
CREATE TABLE ec2_enrolment_token (
    account     TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    token_hash  BLOB NOT NULL,
    expires     INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_enrolment_token_key ON ec2_enrolment_token (account, instance_id);

CREATE TABLE ec2_agent (
    account      TEXT NOT NULL,
    instance_id  TEXT NOT NULL,
    public_key   BLOB NOT NULL,    -- Ed25519
    token_hash   BLOB NOT NULL,    -- of the token with which it enrolled
    enrolled     INTEGER NOT NULL,
    sequence     INTEGER NOT NULL, -- of its last request; each is greater than the one before
    options_seen INTEGER NOT NULL, -- the version of the options that it was told
    row_version  INTEGER NOT NULL,
    mac          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_agent_key ON ec2_agent (account, instance_id);

-- How often the role of an instance profile was changed: a session of an instance ends with it.
CREATE TABLE iam_instance_profile_revision (
    account     TEXT NOT NULL,
    profile_id  TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_instance_profile_revision_key
    ON iam_instance_profile_revision (account, profile_id);

-- The keys that sign identity documents.
CREATE TABLE ec2_document_key (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    created_us  INTEGER NOT NULL,
    certificate BLOB NOT NULL,        -- X.509, DER
    secret      BLOB NOT NULL,        -- PKCS #8, sealed
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
