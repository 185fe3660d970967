-- When an account was closed, which ends its sessions for good (keystead.identity.repository.accounts),
-- and by what sign-ins are found that are over by time, or that the operator ends.

CREATE TABLE iam_account_closing (
    account TEXT NOT NULL,
    closed INTEGER NOT NULL,       -- when it was last suspended or closed
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_account_closing_key ON iam_account_closing (account);

CREATE INDEX signin_session_used ON signin_session (used) WHERE stage = 'session';
CREATE INDEX signin_session_access_key ON signin_session (account, access_key_id);
