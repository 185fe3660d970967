-- Assertions of SAML that were used (keystead.identity.repository.saml_assertions), until they are
-- too old to be used again.

CREATE TABLE iam_saml_assertion (
    account     TEXT NOT NULL,
    assertion   TEXT NOT NULL,    -- a hash of the provider's id and the assertion's
    expires     INTEGER NOT NULL, -- seconds since the epoch: too old from then on
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_saml_assertion_key ON iam_saml_assertion (account, assertion);
CREATE INDEX iam_saml_assertion_expires ON iam_saml_assertion (account, expires);
