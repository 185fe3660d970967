-- Invitations of accounts into organizations.

CREATE TABLE org_handshake (
    handshake TEXT NOT NULL,       -- h-…
    organization TEXT NOT NULL,
    account TEXT NOT NULL,         -- who is invited
    state TEXT NOT NULL,           -- OPEN, ACCEPTED, DECLINED or CANCELED; an open one expires
    notes TEXT,
    tags TEXT NOT NULL,            -- of the account, once it has joined
    requested INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_handshake_key ON org_handshake (handshake);
CREATE INDEX org_handshake_account ON org_handshake (account, handshake);
CREATE INDEX org_handshake_organization ON org_handshake (organization, handshake);
