-- Virtual MFA devices, and what each remembers of the codes that it was asked about.

CREATE TABLE iam_mfa_device (
    account TEXT NOT NULL,
    device_id TEXT NOT NULL,       -- MFAD…, never shown
    name TEXT NOT NULL,            -- path and name, as in the serial number
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,            -- always /: the path is part of the name
    seed BLOB NOT NULL,            -- sealed
    owner_id TEXT,                 -- a user's unique id, or the account id for root; none: unassigned
    enabling TEXT,                 -- the id of this enabling, another one each time
    enabled INTEGER,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_mfa_device_key ON iam_mfa_device (account, device_id);
CREATE UNIQUE INDEX iam_mfa_device_name ON iam_mfa_device (account, name_key);
CREATE INDEX iam_mfa_device_owner ON iam_mfa_device (account, owner_id);
CREATE INDEX iam_mfa_device_enabling ON iam_mfa_device (account, enabling);

-- Apart from the devices, so that a code does not change what sessions depend on.
CREATE TABLE iam_mfa_code (
    account TEXT NOT NULL,
    device_id TEXT NOT NULL,
    last_step INTEGER NOT NULL,    -- of the last code that counted
    drift INTEGER NOT NULL,        -- steps by which the clock of the device is ahead
    wrong TEXT NOT NULL,           -- the seconds of the last wrong attempts, a JSON list
    incarnation TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_mfa_code_key ON iam_mfa_code (account, device_id);
