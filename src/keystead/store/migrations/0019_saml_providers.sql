-- Providers of SAML: whose assertions an account may trust.

CREATE TABLE iam_saml_provider (
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,     -- SAMLSP…, shown as SAMLProviderUUID
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,            -- always /
    issuer TEXT NOT NULL,          -- of its assertions: the entityID of its metadata
    valid_until INTEGER,           -- as the metadata says, or NULL
    certificates TEXT NOT NULL,    -- of the keys that sign: a JSON list, base64 of DER
    encryption_mode TEXT NOT NULL, -- Required, or Allowed
    size INTEGER NOT NULL,         -- characters of the metadata
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_provider_key ON iam_saml_provider (account, provider_id);
CREATE UNIQUE INDEX iam_saml_provider_name ON iam_saml_provider (account, name_key);

CREATE TABLE iam_saml_document (
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    document BLOB NOT NULL,        -- the metadata, compressed
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_document_key ON iam_saml_document (account, provider_id);

-- Keys that decrypt what a provider encrypts.
CREATE TABLE iam_saml_key (
    account TEXT NOT NULL,
    key_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    private_key BLOB NOT NULL,     -- sealed
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_key_key ON iam_saml_key (account, key_id);
CREATE INDEX iam_saml_key_provider ON iam_saml_key (account, provider_id);
