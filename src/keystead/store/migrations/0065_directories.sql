-- Directories of people, and what was assigned to them (keystead.identity.repository.directories).

CREATE TABLE ds_directory (
    account TEXT NOT NULL,
    directory_id TEXT NOT NULL,    -- d-<10 hex>
    name TEXT NOT NULL,            -- that people type; of the whole installation
    region TEXT NOT NULL,
    kind TEXT NOT NULL,            -- whose settings it began with
    settings TEXT NOT NULL,        -- JSON: how it is asked
    bind_password BLOB NOT NULL,   -- sealed
    revision INTEGER NOT NULL,     -- sessions end with it
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ds_directory_key ON ds_directory (account, directory_id);
CREATE UNIQUE INDEX ds_directory_name ON ds_directory (name);

CREATE TABLE ds_assignment (
    account TEXT NOT NULL,
    assignment_id TEXT NOT NULL,
    directory_id TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    subject_id TEXT NOT NULL,      -- the immutable id in the directory
    subject_name TEXT NOT NULL,
    role_id TEXT NOT NULL,         -- AROA…
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ds_assignment_key ON ds_assignment (account, assignment_id);
CREATE INDEX ds_assignment_directory ON ds_assignment (account, directory_id);
