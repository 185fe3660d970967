-- Which services work with an organization, and for which of them a member account acts.

CREATE TABLE org_service (
    organization TEXT NOT NULL,
    service TEXT NOT NULL,         -- a service principal
    enabled INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_service_key ON org_service (organization, service);

CREATE TABLE org_delegate (
    account TEXT NOT NULL,
    service TEXT NOT NULL,
    organization TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_delegate_key ON org_delegate (account, service);
CREATE INDEX org_delegate_organization ON org_delegate (organization, account);
