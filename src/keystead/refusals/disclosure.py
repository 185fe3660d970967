"""What may the account of a refused caller learn of the refusal?  (threat-model EX-1, EX-2, KM-2)

Who may ask sees every part that belongs to the account: its own policies, and of its own resource
everything. Of another account's resource it sees what the caller knew already (`cross_account`).

| part | belongs to |
| --- | --- |
| identity-based policies, boundary, session policies | the caller's account |
| resource-based policies, grants, trust policies | the owner of the resource |
| SCPs and RCPs | the account in the policy's ARN |
| the policy of a VPC endpoint | the owner of the endpoint |
| condition keys that describe the resource | the owner of the resource |
"""

from collections.abc import Mapping

import msgspec

from keystead.arns import Arn, NotAnArn
from keystead.policy.evaluation import Asked, ContextValue, PolicyKind, RequestContext, is_exceeded
from keystead.policy.reasons import Match, cross_account

_CALLERS_OWN = frozenset({PolicyKind.IDENTITY, PolicyKind.BOUNDARY, PolicyKind.SESSION})
_OWNERS = frozenset({PolicyKind.RESOURCE, PolicyKind.TRUST})


class Disclosed(msgspec.Struct, frozen=True):
    """What may be told of one refusal."""

    resource: str
    keys: Mapping[str, ContextValue]
    explicit_deny: bool
    statements: tuple[Match, ...]


def disclose(asked: Asked) -> Disclosed:
    """What the account of the refused caller may learn."""
    known = cross_account.as_known(asked)
    context, matches = known.context, list(cross_account.matches(known))
    return Disclosed(
        resource=context.resource,
        keys=context.keys,
        explicit_deny=is_exceeded(context, known.policies)
        or any(not match.statement.allow for match in matches),
        statements=tuple(match for match in matches if _belongs(match, context)),
    )


def _belongs(match: Match, context: RequestContext) -> bool:
    """Is this policy the account's of the refused caller?"""
    account, kind = context.principal.account, match.place.kind
    if kind in _CALLERS_OWN:
        return True
    if kind in _OWNERS:
        return context.resource_account == account
    if kind is PolicyKind.ENDPOINT:
        return context.keys.get("aws:vpceaccount") == account
    try:
        return Arn.parse(match.source.id).account == account
    except NotAnArn:
        return False
