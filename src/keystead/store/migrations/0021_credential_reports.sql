-- The last credential report of each account.

CREATE TABLE iam_credential_report (
    account TEXT NOT NULL,
    content TEXT NOT NULL,         -- CSV
    finished INTEGER NOT NULL,     -- when it was complete
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_credential_report_key ON iam_credential_report (account);
