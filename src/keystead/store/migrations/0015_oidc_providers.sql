-- Providers of OpenID Connect: whose web identities an account may trust.

CREATE TABLE iam_oidc_provider (
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,     -- OIDC…, never shown
    name TEXT NOT NULL,            -- the URL without its scheme
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,            -- always /
    client_ids TEXT NOT NULL,      -- a JSON list
    thumbprints TEXT NOT NULL,     -- a JSON list
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_oidc_provider_key ON iam_oidc_provider (account, provider_id);
CREATE UNIQUE INDEX iam_oidc_provider_name ON iam_oidc_provider (account, name_key);
