-- SetSecurityTokenServicePreferences: kept and shown.

CREATE TABLE iam_sts_preference (
    account TEXT NOT NULL,
    version INTEGER NOT NULL,      -- of the tokens of the global endpoint: 1 or 2
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_sts_preference_key ON iam_sts_preference (account);
