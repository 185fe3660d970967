-- Which services of the site act with a name of their own?  (keystead.identity.repository.services)
--
-- A service belongs to the account that administers it. Its access keys are in iam_access_key, with
-- its unique id as their owner. Lists are JSON arrays of texts.

CREATE TABLE iam_service (
    name            TEXT NOT NULL,    -- the service principal: warehouse.example.internal
    service_id      TEXT NOT NULL,
    account         TEXT NOT NULL,
    label           TEXT NOT NULL,    -- its first part: no other service has the same
    source_accounts TEXT NOT NULL,    -- in which accounts its sources may be; ["*"]: in every one
    source_arns     TEXT NOT NULL,    -- which sources it may name, as patterns
    actions         TEXT NOT NULL,    -- what it may do for a caller whose request it forwards
    scope           TEXT NOT NULL,    -- the service for which such requests are signed
    hosts           TEXT NOT NULL,    -- their Host
    managed_key     INTEGER NOT NULL, -- 1: accounts get alias/aws/<label>
    created         INTEGER NOT NULL,
    row_version     INTEGER NOT NULL,
    mac             BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_service_key ON iam_service (name);
CREATE UNIQUE INDEX iam_service_id ON iam_service (service_id);
CREATE UNIQUE INDEX iam_service_label ON iam_service (label);
