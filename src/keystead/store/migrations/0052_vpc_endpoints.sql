-- Endpoints of networks (keystead.network.endpoints).

CREATE TABLE vpc_endpoint (
    endpoint_id TEXT NOT NULL,
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    vpc_id      TEXT NOT NULL,
    service     TEXT NOT NULL,        -- "com.amazonaws.eu-central-1.kms"
    policy      TEXT NOT NULL,        -- as it was written
    principals  TEXT NOT NULL,        -- JSON: the unique ids of those that it names
    tags        TEXT NOT NULL,        -- JSON
    shape       TEXT NOT NULL,        -- JSON: subnets, security groups, DNS
    token       TEXT NOT NULL,        -- of the client, or ''
    asked       TEXT NOT NULL,        -- hash of the request that made it
    created_us  INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX vpc_endpoint_key ON vpc_endpoint (endpoint_id);
CREATE INDEX vpc_endpoint_account ON vpc_endpoint (account, region);
CREATE INDEX vpc_endpoint_vpc ON vpc_endpoint (vpc_id);
