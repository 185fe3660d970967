"""What may the account of a refused caller learn of the refusal?  (threat-model EX-1, EX-2, KM-2)

A reader of that account sees every part that belongs to the account: its own policies, and
everything of its own resource. Of another account's resource the reader sees only the parts that
the caller knew already (`cross_account`).

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
from keystead.policy.evaluation import (
    KINDS,
    ContextValue,
    RefusedQuestion,
    RequestContext,
    Whose,
    is_exceeded,
)
from keystead.policy.reasons import Match, cross_account


class Disclosed(msgspec.Struct, frozen=True):
    """The parts of one refusal that may be told."""

    resource: str
    keys: Mapping[str, ContextValue]
    explicit_deny: bool
    statements: tuple[Match, ...]


def disclose(asked: RefusedQuestion) -> Disclosed:
    """The parts that the account of the refused caller may learn."""
    known = cross_account.as_known(asked)
    context, matches = known.question.context, list(cross_account.matches(known))
    return Disclosed(
        resource=context.resource,
        keys=context.keys,
        explicit_deny=is_exceeded(known.question)
        or any(not match.statement.allow for match in matches),
        statements=tuple(match for match in matches if _belongs(match, context)),
    )


def _belongs(match: Match, context: RequestContext) -> bool:
    """Does this policy belong to the account of the refused caller?"""
    account = context.principal.account
    match KINDS[match.layer.kind].whose:
        case Whose.CALLER:
            return True
        case Whose.OWNER:
            return context.resource_account == account
        case Whose.NETWORK:
            return context.keys.get("aws:vpceaccount") == account
        case Whose.ORGANIZATION:
            return _account_of(match.source.id) == account


def _account_of(arn: str) -> str | None:
    """The account in a policy's ARN; None for a text that is not an ARN."""
    try:
        return Arn.parse(arn).account
    except NotAnArn:
        return None
