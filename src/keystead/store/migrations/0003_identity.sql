-- Who is asking?  Accounts, users, groups, memberships, policies, attachments, access keys.
--
-- Each row is authenticated (row_version, mac). The account is part of every key. Names are kept
-- as given; `…_key` columns hold their canonical (ASCII lower-case) form. Times are seconds since
-- the epoch; tags are a JSON object.

CREATE TABLE iam_account (
    account TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    alias TEXT,
    password BLOB NOT NULL,        -- root's password hash, sealed by custody
    state TEXT NOT NULL,           -- ACTIVE or SUSPENDED
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_account_key ON iam_account (account);
CREATE UNIQUE INDEX iam_account_email ON iam_account (email_key);
CREATE UNIQUE INDEX iam_account_alias ON iam_account (alias);

CREATE TABLE iam_user (
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    boundary TEXT,                 -- ARN of a managed policy
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_user_key ON iam_user (account, user_id);
CREATE UNIQUE INDEX iam_user_name ON iam_user (account, name_key);
CREATE UNIQUE INDEX iam_user_id ON iam_user (user_id);
CREATE INDEX iam_user_boundary ON iam_user (account, boundary);

CREATE TABLE iam_group (
    account TEXT NOT NULL,
    group_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_group_key ON iam_group (account, group_id);
CREATE UNIQUE INDEX iam_group_name ON iam_group (account, name_key);

CREATE TABLE iam_membership (
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_membership_key ON iam_membership (account, user_id, group_id);
CREATE INDEX iam_membership_group ON iam_membership (account, group_id, user_id);

CREATE TABLE iam_policy (
    account TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL, -- the highest number ever given: numbers never repeat
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_policy_key ON iam_policy (account, policy_id);
CREATE UNIQUE INDEX iam_policy_name ON iam_policy (account, name_key);

CREATE TABLE iam_policy_version (
    account TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_policy_version_key ON iam_policy_version (account, policy_id, version);

CREATE TABLE iam_attachment (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,       -- AIDA…, AGPA…
    policy_arn TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_attachment_key ON iam_attachment (account, entity_id, policy_arn);
CREATE INDEX iam_attachment_policy ON iam_attachment (account, policy_arn, entity_id);

CREATE TABLE iam_inline_policy (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_inline_policy_key ON iam_inline_policy (account, entity_id, name);

CREATE TABLE iam_access_key (
    account TEXT NOT NULL,
    access_key_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,        -- AIDA…, or the account id for root; '' once deleted
    secret BLOB NOT NULL,          -- sealed by custody; empty once deleted
    status TEXT NOT NULL,          -- Active, Inactive, Deleted
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_access_key_key ON iam_access_key (account, access_key_id);
CREATE INDEX iam_access_key_owner ON iam_access_key (account, owner_id, access_key_id);

-- Apart from the keys themselves, because these rows change without a new epoch.
CREATE TABLE iam_access_key_use (
    account TEXT NOT NULL,
    access_key_id TEXT NOT NULL,
    used INTEGER NOT NULL,
    region TEXT NOT NULL,
    service TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_access_key_use_key ON iam_access_key_use (account, access_key_id);
