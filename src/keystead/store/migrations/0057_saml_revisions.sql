-- How often a provider of SAML was changed (keystead.identity.repository.revisions): a session
-- names the revision under which it began, and ends with it.

CREATE TABLE iam_saml_revision (
    account     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_revision_key ON iam_saml_revision (account, provider_id);
