-- The keys that sign the digests of exported records.

CREATE TABLE trail_digest_key (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    created_us  INTEGER NOT NULL,
    public_key  BLOB NOT NULL,        -- PKCS #1, DER
    secret      BLOB NOT NULL,        -- PKCS #8, sealed
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
