-- How an organization gets all features: its request, and the approval of each invited account.

CREATE TABLE org_feature_handshake (
    handshake TEXT NOT NULL,       -- h-…
    organization TEXT NOT NULL,
    account TEXT NOT NULL,         -- who is to approve; empty: the request itself
    parent TEXT NOT NULL,          -- the request of an approval
    state TEXT NOT NULL,           -- REQUESTED, OPEN, ACCEPTED, DECLINED or CANCELED
    requested INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_feature_handshake_key ON org_feature_handshake (handshake);
CREATE INDEX org_feature_handshake_account ON org_feature_handshake (account, handshake);
CREATE INDEX org_feature_handshake_organization
    ON org_feature_handshake (organization, handshake);

-- How many invitations were made of late?
CREATE INDEX org_handshake_requested ON org_handshake (organization, requested);
