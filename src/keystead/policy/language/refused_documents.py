"""Which sentence refuses a document?  They are AWS's own (iam.md 4.5, 4.6, 4.9)."""

SYNTAX = "Syntax errors in policy."
TRUST_JSON = "This policy contains invalid Json"
OLD_VERSION = "Policy document must be version 2012-10-17 or greater."
LEGACY = "The policy failed legacy parsing"
SID = (
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular"
    " expression [0-9A-Za-z]*"
)
DUPLICATE_SID = "Statement IDs (SID) in a single policy must be unique."
NO_ACTIONS = "Policy statement must contain actions."
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
TWO_COLONS = "Actions/Condition can contain only one colon."
NO_RESOURCES = "Policy statement must contain resources."
RESOURCE_VENDOR = "Resource vendor must be fully qualified and cannot contain regexes."
NO_PRINCIPAL_HERE = "Policy document should not specify a principal."
NO_RESOURCE_HERE = "Has prohibited field Resource."
PRINCIPAL_MISSING = "Missing required field Principal"
TRUST_ACTIONS = (
    "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML, "
    " and sts:AssumeRoleWithWebIdentity"
)
KEY_PRINCIPALS = "Policy contains a statement with one or more invalid principals."
ORGANIZATIONS = (
    "The provided policy document does not meet the requirements of the specified policy type."
)
IAM_PATHS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
IAM_PATH = f'IAM resource path must either be "*" or start with {", ".join(IAM_PATHS)}.'


def overly_permissive(key: str) -> str:
    """ForAllValues with `key`, of which a request has one value, in the words of KMS."""
    kind = "encryption context" if key.startswith("kms:") else "tag"
    return (
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued"
        f" condition key matches requests without the specified {kind} or with an unspecified"
        f" {kind}. To fix, remove ForAllValues."
    )


class MalformedPolicy(ValueError):
    """The document is refused. `message` is for the caller, in AWS's words.

    `detail` says more, for the operator. Each room puts the message into the error of its service.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail or message
