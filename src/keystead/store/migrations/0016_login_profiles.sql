-- Login profiles: the passwords of users; and how often somebody has tried a wrong one.

CREATE TABLE iam_login_profile (
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    password_id TEXT NOT NULL,     -- another one with each new password
    hashes BLOB NOT NULL,          -- sealed: a JSON list of PHC strings, the newest first
    reset_required INTEGER NOT NULL, -- 0 or 1: must the password be changed at the next sign-in?
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL,      -- when the password was set
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_login_profile_key ON iam_login_profile (account, user_id);

-- Apart from the profiles themselves, because no decision depends on these rows.
CREATE TABLE iam_login_use (
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    used INTEGER NOT NULL,         -- when somebody last signed in with the password
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_login_use_key ON iam_login_use (account, user_id);

CREATE TABLE iam_password_attempt (
    account TEXT NOT NULL,
    subject TEXT NOT NULL,         -- whose password: AIDA…
    failures INTEGER NOT NULL,     -- attempts since the last that was right
    until INTEGER NOT NULL,        -- before this second no attempt is taken
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_password_attempt_key ON iam_password_attempt (account, subject);
