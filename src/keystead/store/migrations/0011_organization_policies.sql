-- The policies of organizations, and what is attached where.
--
-- An attachment counts as long as its policy type is enabled as it was when it was made
-- (`enabling`, of org_organization.policy_types): so a type is disabled in one row, however large
-- the tree is. A new target has its type's default policy without a row; a row says if it has not.

CREATE TABLE org_policy (
    policy TEXT NOT NULL,          -- p-…
    organization TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    content TEXT NOT NULL,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_policy_key ON org_policy (policy);
CREATE UNIQUE INDEX org_policy_name ON org_policy (organization, type, name);

CREATE TABLE org_attachment (
    target TEXT NOT NULL,          -- the root, a unit or an account
    policy TEXT NOT NULL,
    organization TEXT NOT NULL,
    type TEXT NOT NULL,
    enabling INTEGER NOT NULL,
    attached INTEGER NOT NULL,     -- 0: the default policy, which is not
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_attachment_key ON org_attachment (target, policy);
CREATE INDEX org_attachment_policy ON org_attachment (policy, target);
CREATE INDEX org_attachment_organization ON org_attachment (organization);
