-- Sums over the newest version of every row that a decision depends on (keystead.custody.sums,
-- docs/decisions/0013). A sum is a vector of four numbers of 40 bits; '' is the installation's own
-- account. Clustered by their keys (WITHOUT ROWID, SQLite's alone), because a bucket is read whole.

-- One row for each lookup that finds rows.
CREATE TABLE state_lookups (
    account TEXT NOT NULL,
    place   BLOB NOT NULL,
    s0      INTEGER NOT NULL,
    s1      INTEGER NOT NULL,
    s2      INTEGER NOT NULL,
    s3      INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- One row for each range of places, by the first 32 bits of the first place.
CREATE TABLE state_buckets (
    account TEXT NOT NULL,
    start   INTEGER NOT NULL,
    s0      INTEGER NOT NULL,
    s1      INTEGER NOT NULL,
    s2      INTEGER NOT NULL,
    s3      INTEGER NOT NULL,
    PRIMARY KEY (account, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_accounts (
    account  TEXT NOT NULL,
    elements INTEGER NOT NULL,     -- rows, each as often as lookups find it
    buckets  INTEGER NOT NULL,
    s0       INTEGER NOT NULL,
    s1       INTEGER NOT NULL,
    s2       INTEGER NOT NULL,
    s3       INTEGER NOT NULL,
    PRIMARY KEY (account)
) STRICT, WITHOUT ROWID;

-- What each turn changed since the three tables above were written, because a page of them for every
-- change would cost more than the change: msgpack [[account, place, vector, elements], …].
CREATE TABLE state_journal (
    number  INTEGER NOT NULL PRIMARY KEY,
    changes BLOB NOT NULL
) STRICT;

-- Its one row says that the sums are over all rows. Rows that were there before get their sums
-- when the installation is opened next, because they need a key.
CREATE TABLE state_summed (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1)
) STRICT;
INSERT INTO state_summed (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM iam_account);
