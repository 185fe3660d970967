-- What an account demands of the passwords of its users.

CREATE TABLE iam_password_policy (
    account TEXT NOT NULL,
    minimum_length INTEGER NOT NULL,
    symbols INTEGER NOT NULL,      -- 0 or 1: must a password have some?
    numbers INTEGER NOT NULL,
    uppercase INTEGER NOT NULL,
    lowercase INTEGER NOT NULL,
    own_changes INTEGER NOT NULL,  -- 0 or 1: may every user change the own password?
    longest_days INTEGER,          -- the age at which a password expires; none: never
    remembered INTEGER,            -- earlier passwords that are not taken again
    hard_expiry INTEGER,           -- 0 or 1: does an expired password need an administrator?
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_password_policy_key ON iam_password_policy (account);
