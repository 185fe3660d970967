"""How is an encoded authorization message decoded?  (iam.md 7.3)

The answer is AWS's JSON. In a statement `policy` and `attachedTo` are ours. So are `notActions` and
similar names, for elements that exclude.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from keystead.identity.call import StsCall
from keystead.policy.evaluation import ContextValue, Principal, RefusedQuestion
from keystead.policy.language import KNOWN, family
from keystead.policy.reasons import Match
from keystead.policy.text import ascii_lower
from keystead.refusals.disclosure import disclose
from keystead.registry import implements
from keystead.wire.models import sts as api

_ELEMENTS = {
    "Principal": "principals",
    "NotPrincipal": "notPrincipals",
    "Action": "actions",
    "NotAction": "notActions",
    "Resource": "resources",
    "NotResource": "notResources",
}
_ALWAYS_SHOWN = ("principals", "principalGroups", "actions", "resources")


@implements(api.DecodeAuthorizationMessage)
def decode_authorization_message(
    call: StsCall, request: api.DecodeAuthorizationMessageRequest
) -> api.DecodeAuthorizationMessageResponse:
    call.authorize_any("sts:DecodeAuthorizationMessage")
    refusal = call.authorization_messages.opened(
        call.transaction, call.account, request.encoded_message, call.now
    )
    if refusal is None or refusal.asked is None:
        # It is forged, too old, of another account, or its refusal was dropped: one answer.
        raise api.InvalidAuthorizationMessageException("Message is not valid.")
    return api.DecodeAuthorizationMessageResponse(decoded_message=_decoded(refusal.asked))


def _decoded(asked: RefusedQuestion) -> str:
    """The refusal in AWS's JSON, as far as the caller's account may know it."""
    context, told = asked.question.context, disclose(asked)
    principal = context.principal
    message = {
        "allowed": False,
        "explicitDeny": told.explicit_deny,
        "matchedStatements": _items(_statement(match, principal) for match in told.statements),
        "failures": _items(()),
        "context": {
            "principal": {
                "id": principal.user_id,
                "name": principal.name or principal.user_id.rpartition(":")[2],
                "arn": principal.arn,
            },
            "action": context.action,
            "resource": told.resource,
            "conditions": _conditions(told.keys),
        },
    }
    return msgspec.json.encode(message).decode()


def _statement(matched: Match, principal: Principal) -> dict[str, Any]:
    statement, source = matched.statement, matched.source
    written = statement.source
    elements = {
        name: _values(_flat(written[element]))
        for element, name in _ELEMENTS.items()
        if element in written
    }
    if statement.principals is None:
        elements["principals"] = _values([principal.unique_id or principal.user_id])
    if ":group/" in source.attached_to:
        elements["principalGroups"] = _values([source.attached_to])
    return {
        "statementId": statement.sid,
        "effect": statement.effect.upper(),
        **{name: elements.pop(name, _items(())) for name in _ALWAYS_SHOWN},
        **elements,
        "conditions": _conditions(
            {condition.key: condition.values for condition in statement.conditions}
        ),
        "policy": source.id,
        "attachedTo": source.attached_to,
    }


def _flat(element: Any) -> list[str]:
    """The values of an element: one, a list, or for principals a list for each type."""
    match element:
        case str():
            return [element]
        case Mapping():
            return [value for values in element.values() for value in _flat(values)]
    return [str(value) for value in element]


def _conditions(keys: Mapping[str, ContextValue]) -> dict[str, Any]:
    return _items(
        {"key": _spelt(name), "values": _values([value] if isinstance(value, str) else value)}
        for name, value in sorted(keys.items())
    )


def _spelt(key: str) -> str:
    """A condition key in AWS's spelling. In a family the part after its name stays as it is."""
    fact = KNOWN.get(family(ascii_lower(key)))
    return key if fact is None else fact.name + key[len(fact.name) :]


def _values(values: Iterable[str]) -> dict[str, Any]:
    return _items({"value": value} for value in values)


def _items(items: Iterable[Any]) -> dict[str, Any]:
    """A list as AWS writes it."""
    return {"items": list(items)}
