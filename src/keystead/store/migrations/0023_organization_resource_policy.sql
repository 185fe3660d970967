-- The resource policy of an organization, which delegates to its member accounts.

CREATE TABLE org_resource_policy (
    organization TEXT NOT NULL,
    policy TEXT NOT NULL,          -- rp-…
    content TEXT NOT NULL,         -- as it was written
    meant TEXT NOT NULL,           -- JSON: the unique ids of the principals in it, by name
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_resource_policy_key ON org_resource_policy (organization);
