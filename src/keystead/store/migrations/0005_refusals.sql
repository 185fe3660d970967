-- What was refused, for as long as it may be asked why (keystead.server.repository). No decision
-- depends on it. Times: microseconds since the epoch.

CREATE TABLE refusals (
    request_id  TEXT NOT NULL,
    account     TEXT NOT NULL,     -- the refused caller's; '' for a caller without one
    number      INTEGER NOT NULL,  -- runs per account, without gaps
    time_us     INTEGER NOT NULL,
    content     BLOB NOT NULL,     -- keystead.policy.refusal
    documents   TEXT NOT NULL,     -- ids, each followed by a blank
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX refusals_key ON refusals (request_id);
CREATE UNIQUE INDEX refusals_number ON refusals (account, number);
CREATE INDEX refusals_time ON refusals (time_us);

-- Policies as they were evaluated, each once.
CREATE TABLE refusal_documents (
    document_id TEXT NOT NULL,
    content     BLOB NOT NULL,
    uses        INTEGER NOT NULL,  -- by how many refusals
    row_version INTEGER NOT NULL,
    mac         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX refusal_documents_key ON refusal_documents (document_id);
