-- When identities last used which service and action, and the reports that were asked for.

-- A row for each action, and one for its service as a whole (action '').
CREATE TABLE iam_service_use (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,       -- AIDA… or AROA…
    service TEXT NOT NULL,
    action TEXT NOT NULL,
    used INTEGER NOT NULL,
    region TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_service_use_key ON iam_service_use (account, entity_id, service, action);
CREATE INDEX iam_service_use_service ON iam_service_use (account, service, action, used);
CREATE INDEX iam_service_use_used ON iam_service_use (used);

CREATE TABLE iam_access_report (
    account TEXT NOT NULL,
    job_id TEXT NOT NULL,
    subject TEXT NOT NULL,         -- the id of a user, group or role, or the ARN of a policy
    granularity TEXT NOT NULL,
    created INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iam_access_report_key ON iam_access_report (account, job_id);
CREATE INDEX iam_access_report_created ON iam_access_report (account, created);
