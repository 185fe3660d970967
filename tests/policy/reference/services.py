"""What services add to the general rules: KMS and IAM (KMS: cross-account; IAM: protected)."""

from tests.policy.reference.request import Request

# Across accounts only these operations on a key have an effect, whatever policies say.
CROSS_ACCOUNT_KMS = {
    f"kms:{name.lower()}"
    for name in (
        "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "Sign", "Verify",
        "DeriveSharedSecret", "Encapsulate", "Decapsulate", "CreateGrant", "DescribeKey",
        "GetKeyRotationStatus", "GetPublicKey", "ListGrants", "RetireGrant", "RevokeGrant",
    )
}  # fmt: skip

ALIAS_CHANGES = {"kms:createalias", "kms:updatealias", "kms:deletealias"}
POLICY_CHANGES = {
    f"iam:{name.lower()}"
    for name in (
        "CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion",
        "SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy",
    )
}  # fmt: skip
# A service-linked role's description and tags may be edited, and it has its own deletion.
ROLE_CHANGES = {
    f"iam:{name.lower()}"
    for name in (
        "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy",
        "DeleteRole", "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary",
        "DeleteRolePermissionsBoundary",
    )
}  # fmt: skip


def not_across_accounts(request: Request) -> bool:
    return request.action.startswith("kms:") and request.action not in CROSS_ACCOUNT_KMS


def protected(request: Request) -> bool:
    """AWS's own aliases, managed policies and reserved roles: nobody changes them."""
    if ":alias/aws/" in request.resource:
        return request.action in ALIAS_CHANGES
    if request.resource.startswith("arn:aws:iam::aws:policy/"):
        return request.action in POLICY_CHANGES
    if ":role/aws-reserved/" in request.resource:
        return request.action in ROLE_CHANGES | {"iam:tagrole", "iam:untagrole"}
    return ":role/aws-service-role/" in request.resource and request.action in ROLE_CHANGES
