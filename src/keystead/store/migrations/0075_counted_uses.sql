-- Policies ask when a key was last used, so these rows are counted now (decision 0013). Rows from
-- before have no sums: uses are noted anew, and since now.
DELETE FROM kms_key_uses;
DELETE FROM server_jobs WHERE name = 'key uses';
