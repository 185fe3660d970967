"""ValidatePolicy: is this document right?  It is only examined, and need not be stored."""

import hashlib
from collections.abc import Sequence

import msgspec

from keystead.arns import spoken
from keystead.identity.call import AnalyzerCall
from keystead.paging import Markers, Sizes, cut
from keystead.policy.findings import (
    Location,
    PolicyFinding,
    Position,
    Step,
    findings,
    is_trust_policy,
)
from keystead.policy.language import DocumentKind
from keystead.registry import implements_with_work
from keystead.wire.models import accessanalyzer as api
from keystead.wire.restjson import FIELDS, InvalidFields
from keystead.work import MadeWith, Work, digest, read

LONGEST_DOCUMENT = 40_000
"""Characters: the longest policy of any kind that AWS has, an organization's resource policy."""

_PAGES = Sizes(100, 1000)
_TIMES = 3  # what the checks take, when reading a document is 1
_TRUST = "AWS::IAM::AssumeRolePolicyDocument"
_KINDS = {
    "IDENTITY_POLICY": DocumentKind.IDENTITY,
    "SERVICE_CONTROL_POLICY": DocumentKind.SCP,
    "RESOURCE_CONTROL_POLICY": DocumentKind.RCP,
}


@implements_with_work(api.ValidatePolicy)
def validate_policy(
    call: AnalyzerCall, request: api.ValidatePolicyRequest
) -> api.ValidatePolicyResponse | Work[Sequence[PolicyFinding]]:
    call.authorize_any("access-analyzer:ValidatePolicy")
    _require_limits(request)
    markers = _markers(call, request)
    markers.position(request.next_token)  # which is refused before the document is looked at
    text = request.policy_document
    made_with = MadeWith(input=digest(msgspec.json.encode(request)))
    any_key = call.accept_unsupported_condition_keys
    every = read(call, len(text) * _TIMES, made_with, _findings, request, any_key)
    if isinstance(every, Work):
        return every
    page = cut(markers, request.next_token, _PAGES.chosen(request.max_results), every)
    return api.ValidatePolicyResponse(
        findings=[_finding(finding) for finding in page.items], next_token=page.marker
    )


def _findings(request: api.ValidatePolicyRequest, any_key: bool) -> Sequence[PolicyFinding]:
    """Everything that there is to say of the document."""
    return findings(
        request.policy_document,
        _kind(request),
        resource_type=request.validate_policy_resource_type or "",
        any_key=any_key,
        partition=spoken().name,
    )


def _require_limits(request: api.ValidatePolicyRequest) -> None:
    """Refuse a request beyond the limits that the model does not have."""
    if len(request.policy_document) > LONGEST_DOCUMENT:
        raise _invalid(
            "policyDocument", f"Member must have length less than or equal to {LONGEST_DOCUMENT}"
        )
    if request.max_results is not None and not 1 <= request.max_results <= _PAGES.most:
        raise _invalid("maxResults", f"Member must have value between 1 and {_PAGES.most}")
    if request.validate_policy_resource_type and request.policy_type != "RESOURCE_POLICY":
        rule = "Member must only be given for a policy of type RESOURCE_POLICY"
        raise _invalid("validatePolicyResourceType", rule)


def _invalid(name: str, rule: str) -> InvalidFields:
    sentence = f"Value at '{name}' failed to satisfy constraint: {rule}"
    return InvalidFields(f"1 validation error detected: {sentence}", FIELDS, (name, sentence))


def _kind(request: api.ValidatePolicyRequest) -> DocumentKind:
    """The kind of the document; a resource-based policy without a type is for a role or a key."""
    if request.policy_type != "RESOURCE_POLICY":
        return _KINDS[request.policy_type]
    resource_type = request.validate_policy_resource_type
    if resource_type == _TRUST:
        return DocumentKind.TRUST
    if resource_type:
        return DocumentKind.RESOURCE
    trust = is_trust_policy(request.policy_document)
    return DocumentKind.TRUST if trust else DocumentKind.KEY


def _markers(call: AnalyzerCall, request: api.ValidatePolicyRequest) -> Markers:
    """The tokens of the findings of this document, which always have the same order."""
    digest = hashlib.sha256(request.policy_document.encode()).hexdigest()
    asked = (digest, request.policy_type, request.validate_policy_resource_type or "")
    bound_to = (call.account, call.principal.user_id, call.operation.name, *asked)
    return Markers(call.tokens, "access analyzer page", bound_to, _refusal)


def _refusal() -> InvalidFields:
    return _invalid("nextToken", "Member must be a token of this request")


# Findings as the model has them


def _finding(finding: PolicyFinding) -> api.ValidatePolicyFinding:
    return api.ValidatePolicyFinding(
        finding_details=finding.details,
        finding_type=finding.type.value,
        issue_code=finding.code,
        learn_more_link=finding.link,
        locations=[_location(location) for location in finding.locations],
    )


def _location(location: Location) -> api.Location:
    span = api.Span(start=_position(location.start), end=_position(location.end))
    return api.Location(path=[_step(step) for step in location.path], span=span)


def _position(position: Position) -> api.Position:
    return api.Position(line=position.line, column=position.column, offset=position.offset)


def _step(step: Step) -> api.PathElement:
    part = step.substring
    return api.PathElement(
        index=step.index,
        key=step.key,
        value=step.value,
        substring=None if part is None else api.Substring(start=part[0], length=part[1]),
    )
