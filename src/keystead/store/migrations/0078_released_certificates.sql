-- IAM Roles Anywhere: certificates that a list revoked and lets in again
-- (keystead.identity.repository.anywhere.released). Sessions that were over stay over.

CREATE TABLE ra_released (
    account TEXT NOT NULL,
    anchor_id TEXT NOT NULL,
    moment INTEGER NOT NULL,          -- of the last, in microseconds; none is before another
    floor INTEGER NOT NULL,           -- sessions that began before it are over
    entries BLOB NOT NULL,            -- 24 bytes for each certificate, in order
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ra_released_key ON ra_released (account, anchor_id);

-- Used proofs go by their date, whoever's they are (keystead.server.installation.proofs_over).
CREATE INDEX iam_saml_assertion_over ON iam_saml_assertion (expires);
