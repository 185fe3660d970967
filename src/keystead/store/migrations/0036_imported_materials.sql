-- Key material that was imported (keystead.kms.keys.imports): one row for each material that a key
-- of Origin EXTERNAL has, had, or waits to rotate to. Times: microseconds since the epoch.

CREATE TABLE kms_imported_materials (
    account          TEXT NOT NULL,
    region           TEXT NOT NULL,
    key_id           TEXT NOT NULL,
    material_id      TEXT NOT NULL,
    rotation_state   TEXT NOT NULL,
    import_state     TEXT NOT NULL,
    expiration_model TEXT NOT NULL,
    valid_to_us      INTEGER,
    description      TEXT NOT NULL,
    row_version      INTEGER NOT NULL,
    mac              BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kms_imported_materials_key
    ON kms_imported_materials (account, region, key_id, material_id);
-- What the job looks for: few rows, so a partial index.
CREATE INDEX kms_imported_materials_expiry
    ON kms_imported_materials (valid_to_us) WHERE valid_to_us IS NOT NULL;
