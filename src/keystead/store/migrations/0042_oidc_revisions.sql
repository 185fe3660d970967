-- How often a provider of OpenID Connect was changed (keystead.identity.repository.oidc_providers):
-- a session names the revision under which it began, and ends with it.

CREATE TABLE iam_oidc_revision (
    account     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_oidc_revision_key ON iam_oidc_revision (account, provider_id);
