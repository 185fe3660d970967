-- The public halves of imported private keys, which stay when the material is gone.

CREATE TABLE kms_public_keys (
    account TEXT NOT NULL,
    region TEXT NOT NULL,          -- '' for a multi-Region set
    key_id TEXT NOT NULL,
    public_key BLOB NOT NULL,      -- DER, SubjectPublicKeyInfo
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_public_keys_key ON kms_public_keys (account, region, key_id);
