-- The grants that allow the same whatever the encryption context is (keystead.kms.grants).

CREATE INDEX kms_grants_view
    ON kms_grants (account, region, key_id, grantee_id, operations, source_arn)
    WHERE context_type <> '';
