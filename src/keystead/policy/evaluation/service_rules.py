"""Which rules do the services themselves add?  (iam.md 5.6, 5.9, 5.11, 11.1; kms.md 3, 10)

These are facts about actions and resources that no policy can change. Actions are in lower case.
"""

from keystead.policy.evaluation.kinds import PolicyKind
from keystead.policy.language import OUTSIDERS, Principal
from keystead.policy.text import ascii_lower

AWS_ALIAS = ":alias/aws/"
AWS_MANAGED_POLICY = ":iam::aws:policy/"
SERVICE_LINKED_ROLE = "role/aws-service-role/"
RESERVED_PATHS = ("role/aws-reserved/", "user/aws-reserved/")

_RCP_SERVICES = """
aoss appconfig appstream autoscaling autoscaling-plans budgets cloudfront clouddirectory
cloudsearch cloudtrail-data codeartifact codebuild codecommit codepipeline cognito-identity
cognito-idp comprehend comprehendmedical compute-optimizer cost-optimization-hub dax dsql
dynamodb ecr ecr-public events firehose fis fms gamelift health inspector-scan kendra
kinesisvideo kms logs memorydb networkmonitor notifications opensearch pca-connector-ad
personalize polly pricing resource-groups rolesanywhere s3 secretsmanager servicediscovery
signin sqs sts support swf textract timestream-influxdb transcribe transfer translate wafv2
workspaces xray
"""
UNDER_RESOURCE_CONTROL = frozenset(_RCP_SERVICES.split())
"""The services whose actions RCPs reach: the list of the Organizations guide, as of 2026."""

ALIAS_CHANGES = frozenset({"kms:createalias", "kms:updatealias", "kms:deletealias"})
"""The actions for which both the alias and its key need a permission."""

_BY_PROOF = frozenset({"sts:assumerolewithsaml", "sts:assumerolewithwebidentity"})
_OPEN = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
_POLICY_CHANGES = frozenset(
    {
        "iam:createpolicy",
        "iam:createpolicyversion",
        "iam:deletepolicy",
        "iam:deletepolicyversion",
        "iam:setdefaultpolicyversion",
        "iam:tagpolicy",
        "iam:untagpolicy",
    }
)
_ROLE_CHANGES = frozenset(
    {
        "iam:attachrolepolicy",
        "iam:deleterole",
        "iam:deleterolepermissionsboundary",
        "iam:deleterolepolicy",
        "iam:detachrolepolicy",
        "iam:putrolepermissionsboundary",
        "iam:putrolepolicy",
        "iam:updateassumerolepolicy",
    }
)
_NO_CHANGES = ("iam:get", "iam:list", "iam:generate", "iam:simulate", "iam:passrole")
_ACROSS_ACCOUNTS = frozenset(
    {
        "kms:creategrant",
        "kms:decapsulate",
        "kms:decrypt",
        "kms:derivesharedsecret",
        "kms:describekey",
        "kms:encapsulate",
        "kms:encrypt",
        "kms:generatedatakey",
        "kms:generatedatakeypair",
        "kms:generatedatakeypairwithoutplaintext",
        "kms:generatedatakeywithoutplaintext",
        "kms:generatemac",
        "kms:getkeyrotationstatus",
        "kms:getpublickey",
        "kms:listgrants",
        "kms:reencryptfrom",
        "kms:reencryptto",
        "kms:retiregrant",
        "kms:revokegrant",
        "kms:sign",
        "kms:verify",
        "kms:verifymac",
    }
)


def open_to_everybody(action: str) -> bool:
    """May every caller do this, under any policies?  (iam.md 2.4, 2.7)"""
    return action in _OPEN


def reserved(action: str, resource: str) -> str:
    """The reason why only AWS may do this to this resource; "" if policies decide."""
    if action in ALIAS_CHANGES:
        return "aliases that begin with alias/aws/ are AWS's own" if AWS_ALIAS in resource else ""
    if not _changes_identities(action):
        return ""
    if action in _POLICY_CHANGES and _without_partition(resource).startswith(AWS_MANAGED_POLICY):
        return "AWS managed policies are AWS's own"
    name = ascii_lower(_named(resource))
    linked = action in _ROLE_CHANGES and name.startswith(SERVICE_LINKED_ROLE)
    return (
        "what is under this path is AWS's own" if linked or name.startswith(RESERVED_PATHS) else ""
    )


def is_by_proof(action: str) -> bool:
    """Is this asked with a proof from elsewhere, so that nobody who signs asks it?  (iam.md 5.11)

    The action is in lower case.
    """
    return action in _BY_PROOF


def may_be_reserved(action: str) -> bool:
    """Is there a resource for which `reserved` gives a reason?"""
    return action in ALIAS_CHANGES or _changes_identities(action)


def _changes_identities(action: str) -> bool:
    """Is this an action of IAM that changes something?"""
    return action.startswith("iam:") and not action.startswith(_NO_CHANGES)


def under_service_control(principal: Principal) -> bool:
    """Do service control policies bind this caller?  No service, and no service-linked role."""
    return not principal.service_linked and principal.type not in OUTSIDERS


def under_resource_control(action: str, resource: str, principal: Principal) -> bool:
    """Do resource control policies bind this use of the resource?

    They bind the actions of the published services. They do not bind RetireGrant, the calls of
    service-linked roles, or the assuming of such a role.
    """
    service = action.partition(":")[0]
    if service not in UNDER_RESOURCE_CONTROL or principal.service_linked:
        return False
    return action != "kms:retiregrant" and not (service == "sts" and is_service_linked(resource))


def is_service_linked(arn: str) -> bool:
    """Is this the ARN of a service-linked role?  Paths may have colons: only the start tells."""
    return _named(arn).startswith(SERVICE_LINKED_ROLE)


def _named(arn: str) -> str:
    """The last part of an ARN: `role/path/name`."""
    return arn.split(":", 5)[-1]


def _without_partition(resource: str) -> str:
    """The part of an ARN behind `arn:aws`, or another partition: `:kms:eu-central-1:…`."""
    return ":" + resource.split(":", 2)[-1]


def policy_required(action: str, resource: str) -> bool:
    """Must the resource's own policy allow or delegate?  A KMS key, and a role to be assumed."""
    service, _, name = _without_partition(resource)[1:].partition(":")
    if service == "kms":
        return ":key/" in name
    return service == "iam" and action.startswith("sts:") and ":role/" in name


def works_across_accounts(action: str) -> bool:
    """Can this be allowed on another account's resource?  Of KMS only some operations can."""
    return not action.startswith("kms:") or action in _ACROSS_ACCOUNTS


def resource_kind(action: str) -> PolicyKind:
    """The kind of the resource's own policy. Every resource of STS is a role."""
    return PolicyKind.TRUST if action.startswith("sts:") else PolicyKind.RESOURCE
