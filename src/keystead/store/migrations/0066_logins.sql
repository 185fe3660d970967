-- Sessions for the command line (keystead.identity.signin.logins).

CREATE TABLE signin_login (
    account TEXT NOT NULL,
    login_id TEXT NOT NULL,        -- random
    subject TEXT NOT NULL,         -- whose: AIDA…, the account id for root, AROA…:name for a role session
    person TEXT NOT NULL,          -- whose factors it stands on; '' for nobody's here
    factors TEXT NOT NULL,         -- digest of these factors when it began
    session BLOB NOT NULL,         -- the facts of its credentials
    client TEXT NOT NULL,          -- same-device, cross-device
    proof_key TEXT NOT NULL,       -- thumbprint of the client's key
    generation INTEGER NOT NULL,   -- of the newest refresh token
    renewed INTEGER NOT NULL,      -- when that was given
    answer TEXT NOT NULL,          -- sealed: the answer to the refresh token before; '' for none
    source_ip TEXT NOT NULL,       -- of the browser that allowed it
    agent TEXT NOT NULL,           -- of the client, as it calls itself
    began INTEGER NOT NULL,
    used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_login_key ON signin_login (account, login_id);
CREATE INDEX signin_login_subject ON signin_login (account, subject, began);
CREATE INDEX signin_login_expires ON signin_login (expires);

CREATE TABLE signin_code (
    account TEXT NOT NULL,
    code_id TEXT NOT NULL,         -- SHA-256 of the code
    subject TEXT NOT NULL,
    person TEXT NOT NULL,
    factors TEXT NOT NULL,
    session BLOB NOT NULL,
    sign_in TEXT NOT NULL,         -- the session of the browser that allowed it
    client TEXT NOT NULL,
    redirect TEXT NOT NULL,
    challenge TEXT NOT NULL,       -- SHA-256 of the client's verifier
    seconds INTEGER NOT NULL,      -- for which the session is to last
    source_ip TEXT NOT NULL,
    login_id TEXT NOT NULL,        -- that it gave; '' while it is not used
    proof_key TEXT NOT NULL,       -- that used it
    began INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_code_key ON signin_code (account, code_id);
CREATE INDEX signin_code_subject ON signin_code (account, subject, began);
CREATE INDEX signin_code_expires ON signin_code (expires);

CREATE TABLE signin_proof (
    account TEXT NOT NULL,
    proof TEXT NOT NULL,           -- SHA-256 of the key's thumbprint and the proof's id
    proof_key TEXT NOT NULL,
    expires INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_proof_id ON signin_proof (account, proof);
CREATE INDEX signin_proof_key ON signin_proof (account, proof_key);
CREATE INDEX signin_proof_expires ON signin_proof (expires);
