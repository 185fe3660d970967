-- Key policies, equal ones once in each account (keystead.kms.keys.policies). Rows of older versions
-- stay in `kms_key_policies` until a job has moved them: their new MACs and sums need a key.

CREATE TABLE kms_policy_texts (
    account     TEXT NOT NULL,
    policy_id   TEXT NOT NULL,    -- the hash of text and principals, as the rows of keys have it
    text        TEXT NOT NULL,    -- as it was written
    principals  TEXT NOT NULL,    -- JSON object: principal as written -> unique id
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_policy_texts_key ON kms_policy_texts (account, policy_id);

-- Apart from the texts, because this row changes with each key that is made.
CREATE TABLE kms_policy_uses (
    account     TEXT NOT NULL,
    policy_id   TEXT NOT NULL,
    keys        INTEGER NOT NULL, -- how many keys have it
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_policy_uses_key ON kms_policy_uses (account, policy_id);
