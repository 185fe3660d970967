-- Key material (keystead.custody.repository): one row per generation, its secret sealed by the
-- domain key of its account. Times: microseconds since the epoch. A rowid table with unique
-- indexes: random ids append instead of splitting pages.

CREATE TABLE key_materials (
    account     TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    material_id TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    key_spec    TEXT NOT NULL,
    state       TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    sealed      BLOB NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX key_materials_key ON key_materials (account, key_id, material_id);
CREATE UNIQUE INDEX key_materials_generation ON key_materials (account, key_id, generation);
