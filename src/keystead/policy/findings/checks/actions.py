"""Do the actions exist?  (iam.md 4.5)

We know every action of the services that we serve or are about to serve. Of every other service,
any action counts as one that exists.
"""

from collections.abc import Mapping
from functools import cache

from keystead.pauses import pausing
from keystead.policy.findings.checks.variables import starts
from keystead.policy.findings.json_tree import Node
from keystead.policy.findings.spelling import closest, misspelt
from keystead.policy.findings.subject import Subject
from keystead.policy.language import ACTIONS, TRUST_ACTION, VENDOR, DocumentKind
from keystead.policy.text import action_glob, ascii_lower

# These actions stand beside the published ones. They are newer, or they are no operations
# (kms.md 10.5, iam.md 1.8, 1.10). A test compares all of them with botocore's operations.
_MORE_ACTIONS = """
kms:Decapsulate kms:Encapsulate kms:GetKeyLastUsage
iam:AcquireRole iam:GetAccountProperties iam:GetRoleTemplateVersion iam:PutAccountProperties
iam:UpdateDelegationRequest iam:UpdateOpenIDConnectProvider sts:GetScopedCredentials
kms:ReEncryptFrom kms:ReEncryptTo kms:SynchronizeMultiRegionKey
sts:TagSession sts:SetSourceIdentity sts:SetContext sts:GetServiceBearerToken
sts:TagGetWebIdentityToken
iam:PassRole iam:GetAccountName iam:UpdateAccountName iam:ListSTSRegionalEndpointsStatus
iam:SetSTSRegionalEndpointStatus iam:GetAccountEmailAddress iam:UpdateAccountEmailAddress
iam:GetCloudFrontPublicKey iam:UpdateCloudFrontPublicKey
iam:UploadCloudFrontPublicKey iam:DeleteCloudFrontPublicKey iam:ListCloudFrontPublicKeys
access-analyzer:CreateServiceLinkedAnalyzer access-analyzer:DeleteServiceLinkedAnalyzer
access-analyzer:GetFindingV2 access-analyzer:ListFindingsV2 cloudtrail:ListInsightsMetricData
"""
_SUGGESTED = 10
"""For so many invalid actions of one document a similar action is searched, which takes long."""

_PATTERNS = 50
"""So many patterns of one document are compared with every action. All others count as good."""


@cache
def known() -> Mapping[str, Mapping[str, str]]:
    """The actions of each known service: name in lower case -> name."""
    names = set(_MORE_ACTIONS.split())
    names |= {f"{service}:{name}" for service in ACTIONS for name in ACTIONS[service].split()}
    services: dict[str, dict[str, str]] = {}
    for full in sorted(names):
        service, _, name = full.partition(":")
        services.setdefault(service, {})[ascii_lower(name)] = name
    return services


def check(subject: Subject) -> None:
    suggested, patterns = 0, set[str]()
    for statement in pausing(subject.statements, after=4):
        for node in pausing([*statement.texts("Action"), *statement.texts("NotAction")], after=2):
            action = ascii_lower(node.scalar)
            if "*" in action or "?" in action:
                patterns.add(action)
            if _is_well_formed(subject, node) and not exists(action, len(patterns) <= _PATTERNS):
                hint = _did_you_mean(similar(node.scalar) if suggested < _SUGGESTED else "")
                suggested += 1
                subject.add("INVALID_ACTION", node, action=node.scalar, hint=hint)


def _is_well_formed(subject: Subject, node: Node) -> bool:
    """Is this an action of which we can ask whether it exists?  Its other mistakes are noted."""
    action: str = node.scalar
    for start, length in starts(action):
        subject.add(
            "VARIABLE_UNSUPPORTED_IN_ELEMENT", node, variable=action[start : start + length]
        )
    if subject.kind is DocumentKind.TRUST and not TRUST_ACTION.fullmatch(ascii_lower(action)):
        subject.add(
            "UNSUPPORTED_ACTION_IN_POLICY",
            node,
            action=action,
            resource_type="AWS::IAM::AssumeRolePolicyDocument",
        )
    vendor, colon, name = action.partition(":")
    if not colon or ":" in name:
        return action != "*"
    meant = misspelt(ascii_lower(vendor), known())
    if meant or not vendor or not VENDOR.fullmatch(vendor):
        location = subject.text.of_part(node, 0, len(vendor))
        hint = _did_you_mean(meant)
        subject.add("INVALID_SERVICE_IN_ACTION", location, service=vendor, hint=hint)
        return False
    _of_type(subject, node, ascii_lower(vendor))
    return True


def exists(action: str, thoroughly: bool = True) -> bool:
    """Does an action or a pattern, in lower case, match some action that may exist?"""
    vendor, _, name = action.partition(":")
    if not name or ":" in name or " " in action or "," in action:
        return False
    actions = known().get(vendor)
    if actions is None or name in actions:
        return True
    if "*" not in name and "?" not in name:
        return False
    matches = action_glob(name)
    return not thoroughly or any(matches(known_name) for known_name in actions)


def _of_type(subject: Subject, node: Node, vendor: str) -> None:
    """Note an action of another service than that of the policy's type of resource."""
    of_s3 = vendor == "s3" and subject.service.startswith("s3")
    if subject.service not in ("", vendor) and not of_s3:
        kind = subject.resource_type
        subject.add("UNSUPPORTED_ACTION_IN_POLICY", node, action=node.scalar, resource_type=kind)


def similar(action: str) -> str:
    """The action that was probably meant by an action that does not exist, or ""."""
    vendor, _, name = action.partition(":")
    actions = known().get(ascii_lower(vendor), {})
    match = closest(ascii_lower(name), actions)
    return f"{ascii_lower(vendor)}:{actions[match]}" if match else ""


def _did_you_mean(name: str) -> str:
    return f" Did you mean {name}?" if name else ""
