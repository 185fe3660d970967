-- Sign-in of persons: what a browser has reached, and how often somebody tried (keystead.identity.signin).

CREATE TABLE signin_session (
    account TEXT NOT NULL,
    session_id TEXT NOT NULL,      -- SHA-256 of the cookie
    subject TEXT NOT NULL,         -- whose: AIDA…, or the account id for root
    stage TEXT NOT NULL,           -- the only step that it can take: mfa, password, session
    factors TEXT NOT NULL,         -- digest of the password and devices with which it began
    access_key_id TEXT NOT NULL,   -- ASIA…, of a session
    device TEXT NOT NULL,          -- ARN of the second factor that was shown; '' for none
    mfa INTEGER,                   -- when it was shown
    tries INTEGER NOT NULL,        -- of a new password
    began INTEGER NOT NULL,        -- the sign-in, or the session
    used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_session_key ON signin_session (account, session_id);
CREATE INDEX signin_session_subject ON signin_session (account, subject, began);
CREATE INDEX signin_session_expires ON signin_session (expires);

CREATE TABLE signin_attempt (
    subject TEXT NOT NULL,         -- keyed hash of a name as it was typed, or of a network
    failures INTEGER NOT NULL,     -- attempts that were not right
    until INTEGER NOT NULL,        -- before this second no attempt is taken
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_attempt_key ON signin_attempt (subject);
CREATE INDEX signin_attempt_until ON signin_attempt (until);

CREATE TABLE signin_root_password (
    account TEXT NOT NULL,
    chosen TEXT NOT NULL,          -- SHA-256 of the stored password that root chose itself
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_root_password_key ON signin_root_password (account);
