-- The tags of instances, and whether programs are told of them. Who has no row has neither.

CREATE TABLE ec2_instance_tags (
    account     TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    region      TEXT NOT NULL,
    tags        TEXT NOT NULL,    -- JSON: each key with its value
    in_metadata TEXT NOT NULL,    -- enabled or disabled
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX ec2_instance_tags_key ON ec2_instance_tags (account, instance_id);
CREATE INDEX ec2_instance_tags_region ON ec2_instance_tags (account, region, instance_id);
