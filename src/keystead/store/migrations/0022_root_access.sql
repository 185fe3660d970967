-- Central root access: which of its features has an organization enabled?

CREATE TABLE org_root_feature (
    organization TEXT NOT NULL,
    feature TEXT NOT NULL,         -- RootCredentialsManagement or RootSessions
    enabling TEXT NOT NULL,        -- rf-…, another one each time the feature is enabled
    enabled INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX org_root_feature_key ON org_root_feature (organization, feature);
