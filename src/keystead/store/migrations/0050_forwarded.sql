-- Which requests of callers were forwarded already?  (keystead.identity.repository.forwarded)
--
-- A row stays until its request is too old to be taken again.

CREATE TABLE iam_forwarded (
    account     TEXT NOT NULL,    -- of the caller
    digest      TEXT NOT NULL,    -- of the access key id and the signature
    stale       INTEGER NOT NULL, -- seconds since the epoch
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_forwarded_key ON iam_forwarded (account, digest);
CREATE INDEX iam_forwarded_stale ON iam_forwarded (stale);
