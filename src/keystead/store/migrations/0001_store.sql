-- What the store itself remembers, and the audit lines of the newest mutating turn.
--
-- Migrations keep to what SQLite and PostgreSQL share: TEXT, INTEGER (BIGINT there), REAL,
-- BLOB (BYTEA there), primary keys and unique indexes; STRICT is SQLite's alone.

CREATE TABLE store_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;

INSERT INTO store_state (id, epoch) VALUES (1, 0);

-- One row for each process that keeps a trail: the lines that were committed together with the
-- change they describe, until the trail's own file is known to hold them.
CREATE TABLE audit_outbox (
    trail TEXT NOT NULL PRIMARY KEY,
    first_index INTEGER NOT NULL,
    lines BLOB NOT NULL
) STRICT;

-- The newest signed tree head. The files next to the database can be edited by whoever can write
-- there; this row cannot, so that a restart never continues from, and signs, another history.
CREATE TABLE audit_anchor (
    trail TEXT NOT NULL PRIMARY KEY,
    checkpoint BLOB NOT NULL
) STRICT;
