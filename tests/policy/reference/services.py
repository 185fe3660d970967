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


# Resource control policies apply to actions of these services (Organizations guide, "List of AWS
# services that support RCPs"), with the prefixes that the guide gives.
RCP_SERVICES = frozenset(
    {
        "appstream", "dsql", "clouddirectory", "cloudfront", "cloudsearch", "logs",
        "networkmonitor", "cognito-identity", "cognito-idp", "comprehend", "comprehendmedical",
        "firehose", "dynamodb", "dax", "autoscaling", "ecr", "ecr-public", "gamelift",
        "inspector-scan", "kendra", "kinesisvideo", "memorydb", "aoss", "personalize", "polly",
        "s3", "swf", "sqs", "textract", "timestream-influxdb", "transcribe", "translate",
        "workspaces", "appconfig", "autoscaling-plans", "budgets", "servicediscovery",
        "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline",
        "compute-optimizer", "cost-optimization-hub", "events", "fms", "fis", "health",
        "rolesanywhere", "kms", "opensearch", "pricing", "pca-connector-ad", "resource-groups",
        "secretsmanager", "sts", "signin", "support", "transfer", "notifications", "wafv2", "xray",
    }
)  # fmt: skip
# Everything else that IAM does to a user or role changes it.
READS = ("iam:get", "iam:list", "iam:generate", "iam:simulate", "iam:passrole")


def not_across_accounts(request: Request) -> bool:
    return request.action.startswith("kms:") and request.action not in CROSS_ACCOUNT_KMS


def protected(request: Request) -> bool:
    """AWS's own aliases, managed policies and reserved roles: nobody changes them."""
    if ":alias/aws/" in request.resource:
        return request.action in ALIAS_CHANGES
    if request.resource.startswith("arn:aws:iam::aws:policy/"):
        return request.action in POLICY_CHANGES
    lowered = request.resource.lower()
    if ":role/aws-reserved/" in lowered or ":user/aws-reserved/" in lowered:
        return request.action.startswith("iam:") and not request.action.startswith(READS)
    return ":role/aws-service-role/" in request.resource and request.action in ROLE_CHANGES
