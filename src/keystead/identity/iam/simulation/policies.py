"""Which policies does a simulation ask?  The documents of the request, and those of its source.

A document of the request is named by its position, as IAM names it: `PolicyInputList.1`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from keystead.arns import Arn, NotAnArn, account_in, spoken
from keystead.identity.names import AWS_ACCOUNT, canonical
from keystead.policy.evaluation import PolicySource, PrincipalPolicies
from keystead.policy.language import DocumentKind, MalformedPolicy, compile_policy
from keystead.policy.text import glob, wildcards
from keystead.wire.models import iam as api

RESOURCE_POLICY = "ResourcePolicy"

Excludes = Callable[[PolicySource], bool]
"""Is this policy of the source left out?"""


def given(documents: Sequence[str] | None) -> tuple[PolicySource, ...]:
    """The documents of PolicyInputList."""
    return _listed(documents, DocumentKind.IDENTITY, "PolicyInputList")


def custom(request: api.SimulateCustomPolicyRequest) -> PrincipalPolicies:
    """The policies of a simulation that has only documents."""
    return PrincipalPolicies(
        identity_based=given(request.policy_input_list),
        boundary=_boundary(request.permissions_boundary_policy_input_list),
        service_control=tuple(
            _level(index, level)
            for index, level in enumerate(request.ordered_organization_policy_input_list or (), 1)
        ),
    )


def of_source(
    own: PrincipalPolicies, request: api.SimulatePrincipalPolicyRequest
) -> PrincipalPolicies:
    """The policies of a simulation of a user or group.

    They are its own policies, except for excluded ones, and those of the request. A boundary in
    the request replaces its own.
    """
    excluded = [_excluded(identifier) for identifier in request.policy_exclusion_list or ()]
    types = {identifier.policy_type for identifier in request.policy_exclusion_list or ()}
    kept = [s for s in own.identity_based if not any(excludes(s) for excludes in excluded)]
    boundary = None if "permission-boundary" in types else own.boundary
    return msgspec.structs.replace(
        own,
        identity_based=(*kept, *given(request.policy_input_list)),
        boundary=_boundary(request.permissions_boundary_policy_input_list) or boundary,
        service_control=() if "scp" in types else own.service_control,
    )


def resource_policy(text: str, kind: DocumentKind) -> PolicySource:
    """The policy that every simulated resource has."""
    return _compiled(text, kind, RESOURCE_POLICY)


def named(sources: Iterable[PolicySource]) -> Iterator[bytes]:
    """What tells these policies, as they are now, from all others."""
    for source in sources:
        yield msgspec.json.encode((source.id, source.attached_to, source.policy.id))


def is_inline(source: PolicySource) -> bool:
    """Is this policy of a source inline?  Managed ones are named by their ARNs."""
    return bool(source.attached_to) and not source.id.startswith("arn:")


def holder(source: PolicySource) -> tuple[str, str]:
    """Whose policy is it?  The kind of entity, and its name."""
    kind, _, path = Arn.parse(source.attached_to).resource.partition("/")
    return kind, path.rpartition("/")[2]


def _boundary(documents: Sequence[str] | None) -> PolicySource | None:
    if documents is not None and len(documents) > 1:
        raise api.InvalidInputException(
            "The list of Permissions Boundary policies cannot exceed 1 items."
        )
    name = "PermissionsBoundaryPolicyInputList"
    return next(iter(_listed(documents, DocumentKind.BOUNDARY, name)), None)


def _level(index: int, level: api.OrderedOrganizationPolicyType) -> tuple[PolicySource, ...]:
    documents = level.service_control_policy_input_list
    if not documents:
        raise api.InvalidInputException(
            f"Organization policy at index {index} must contain at least one service control policy"
        )
    return _listed(documents, DocumentKind.SCP, f"OrderedOrganizationPolicyInputList.{index}")


def _listed(
    documents: Sequence[str] | None, kind: DocumentKind, name: str
) -> tuple[PolicySource, ...]:
    return tuple(
        _compiled(text, kind, f"{name}.{number}") for number, text in enumerate(documents or (), 1)
    )


def _compiled(text: str, kind: DocumentKind, name: str) -> PolicySource:
    """The policy of a document, which may ask about keys that never have a value here."""
    try:
        policy = compile_policy(
            text, kind, accept_unsupported_condition_keys=True, partition=spoken().name
        )
    except MalformedPolicy as refused:
        raise api.InvalidInputException(refused.message) from refused
    return PolicySource(policy, name)


def _excluded(identifier: api.PolicyIdentifier) -> Excludes:
    """The test for policies that an entry of PolicyExclusionList excludes."""
    parts = (
        identifier.policy_type,
        identifier.policy_arn,
        identifier.inline_policy_identifier,
    )
    if sum(part is not None for part in parts) != 1:
        raise api.InvalidInputException(
            "Specify exactly one of PolicyType, PolicyArn, or InlinePolicyIdentifier."
        )
    if identifier.policy_arn is not None:
        return _with_arn(identifier.policy_arn)
    if (inline := identifier.inline_policy_identifier) is not None:
        who = (inline.attachment_type, canonical(inline.attachment_name))
        return lambda source: (
            is_inline(source)
            and source.id == inline.policy_name
            and (holder(source)[0], canonical(holder(source)[1])) == who
        )
    wanted = identifier.policy_type
    return lambda source: _type(source) == wanted


def _type(source: PolicySource) -> str:
    if is_inline(source):
        return "inline"
    own = account_in(source.id) == AWS_ACCOUNT
    return "aws-managed" if own else "user-managed"


def _with_arn(text: str) -> Excludes:
    """The test for managed policies with this ARN, which may have one `*` and several `?`."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise api.InvalidInputException(f"ARN {text} is not valid.") from None
    kind, _, name = arn.resource.partition("/")
    if (arn.service, kind) != ("iam", "policy") or not name or name.count("*") > 1:
        raise api.InvalidInputException(f"ARN {text} is not valid.")
    matches = glob(wildcards(text))
    return lambda source: not is_inline(source) and matches(source.id)
