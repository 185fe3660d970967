-- Organizations: their trees of units and accounts, their policies, and what is attached where.
--
-- Each row is authenticated (row_version, mac). Times are seconds since the epoch; tags are a JSON
-- object. An attachment counts as long as its policy type is enabled as it was when it was made
-- (`enabling`): so a type is enabled and disabled in one row, however large the tree is.

CREATE TABLE org_organization (
    organization TEXT NOT NULL,    -- o-…
    root TEXT NOT NULL,            -- r-…
    management TEXT NOT NULL,      -- the management account
    feature_set TEXT NOT NULL,     -- ALL or CONSOLIDATED_BILLING
    policy_types TEXT NOT NULL,    -- JSON: type -> the number of its enabling; negative: disabled
    tags TEXT NOT NULL,            -- of the root
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_organization_key ON org_organization (organization);
CREATE UNIQUE INDEX org_organization_root ON org_organization (root);

CREATE TABLE org_member (
    account TEXT NOT NULL,
    organization TEXT NOT NULL,
    parent TEXT NOT NULL,          -- the root or a unit
    name TEXT NOT NULL,
    joined_method TEXT NOT NULL,   -- CREATED or INVITED
    joined INTEGER NOT NULL,
    tags TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_member_key ON org_member (account);
CREATE INDEX org_member_parent ON org_member (parent, account);
CREATE INDEX org_member_organization ON org_member (organization, account);

CREATE TABLE org_unit (
    unit TEXT NOT NULL,            -- ou-…
    organization TEXT NOT NULL,
    parent TEXT NOT NULL,          -- the root or a unit
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_unit_key ON org_unit (unit);
CREATE UNIQUE INDEX org_unit_name ON org_unit (parent, name);
CREATE INDEX org_unit_organization ON org_unit (organization, unit);

CREATE TABLE org_creation (
    organization TEXT NOT NULL,
    request TEXT NOT NULL,         -- car-…
    account_name TEXT NOT NULL,
    account TEXT,                  -- null when it failed
    failure TEXT,
    requested INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_creation_key ON org_creation (organization, request);
