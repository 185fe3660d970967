-- Sign-in to roles: what more is known of a sign-in, and which roles a person used (keystead.identity.signin).

CREATE TABLE signin_facts (
    account TEXT NOT NULL,
    session_id TEXT NOT NULL,      -- as in signin_session
    session BLOB NOT NULL,         -- msgpack: the session of a role; empty for that of a person itself
    outsider BLOB NOT NULL,        -- msgpack: what somebody from outside proved; empty for others
    actors BLOB NOT NULL,          -- msgpack: the roles to which the person switched; empty for none
    next TEXT NOT NULL,            -- the path that was asked for before the sign-in; '' for none
    issuer TEXT NOT NULL,          -- where a broker says that it lives; '' for none
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_facts_key ON signin_facts (account, session_id);

CREATE TABLE signin_role (
    person TEXT NOT NULL,          -- a hash that tells persons apart
    role TEXT NOT NULL,            -- ARN
    name TEXT NOT NULL,            -- as the person calls it; '' for none
    color TEXT NOT NULL,
    used INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX signin_role_key ON signin_role (person, role);
CREATE INDEX signin_role_of_person ON signin_role (person, used);
CREATE INDEX signin_role_used ON signin_role (used);
