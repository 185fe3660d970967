-- Passkeys and security keys, and the challenges that browsers are to have signed (keystead.identity.signin).

CREATE TABLE iam_passkey (
    account TEXT NOT NULL,
    passkey_id TEXT NOT NULL,      -- the end of the serial number; another one with each registration
    owner_id TEXT NOT NULL,        -- a user's unique id, or the account id for root
    name TEXT NOT NULL,            -- in the serial number
    credential_id BLOB NOT NULL,   -- of the authenticator
    public_key BLOB NOT NULL,      -- COSE
    rp_id TEXT NOT NULL,           -- the host name of the pages where it was registered
    transports TEXT NOT NULL,      -- hints for browsers, divided by commas
    sign_count INTEGER NOT NULL,   -- as the authenticator counted last; 0: it does not count
    enabled INTEGER NOT NULL,
    used INTEGER,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_passkey_key ON iam_passkey (account, passkey_id);
CREATE UNIQUE INDEX iam_passkey_credential ON iam_passkey (credential_id);
CREATE INDEX iam_passkey_owner ON iam_passkey (account, owner_id);

CREATE TABLE signin_challenge (
    account TEXT NOT NULL,
    session_id TEXT NOT NULL,      -- of the step or the session that it is for
    purpose TEXT NOT NULL,         -- register, or assert
    challenge BLOB NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_challenge_key ON signin_challenge (account, session_id);
CREATE INDEX signin_challenge_expires ON signin_challenge (expires);
