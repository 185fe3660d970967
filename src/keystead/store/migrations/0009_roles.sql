-- Roles: identities without credentials of their own, and the instance profiles that hold them.

CREATE TABLE iam_role (
    account TEXT NOT NULL,
    role_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    trust_policy TEXT NOT NULL,    -- as it was written
    trusted TEXT NOT NULL,         -- the principals it names -> their unique ids, a JSON object
    longest_session INTEGER NOT NULL, -- seconds
    service TEXT,                  -- the service that a service-linked role belongs to
    boundary TEXT,                 -- ARN of a managed policy
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_role_key ON iam_role (account, role_id);
CREATE UNIQUE INDEX iam_role_name ON iam_role (account, name_key);
CREATE UNIQUE INDEX iam_role_id ON iam_role (role_id);
CREATE INDEX iam_role_boundary ON iam_role (account, boundary);

-- Apart from the roles themselves, because no decision depends on these rows.
CREATE TABLE iam_role_use (
    account TEXT NOT NULL,
    role_id TEXT NOT NULL,
    used INTEGER NOT NULL,
    region TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_role_use_key ON iam_role_use (account, role_id);

CREATE TABLE iam_instance_profile (
    account TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    role_id TEXT,                  -- AROA…, at most one
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_instance_profile_key ON iam_instance_profile (account, profile_id);
CREATE UNIQUE INDEX iam_instance_profile_name ON iam_instance_profile (account, name_key);
CREATE INDEX iam_instance_profile_role ON iam_instance_profile (account, role_id);

-- The last deletion of each service-linked role.
CREATE TABLE iam_role_deletion (
    account TEXT NOT NULL,
    name_key TEXT NOT NULL,        -- of the role
    task_id TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_role_deletion_key ON iam_role_deletion (account, name_key);
CREATE UNIQUE INDEX iam_role_deletion_task ON iam_role_deletion (account, task_id);
