"""Which caller is simulated, and which facts are known?  CallerArn and ContextEntries.

A fact that the request does not give has no value, not even the time or the caller's address.
INVARIANT: nothing is read of a principal that CallerArn names. The caller of the operation has a
permission for the source of the policies only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keystead.identity.authentication import callers
from keystead.identity.call import IamCall
from keystead.identity.iam.simulation.source import entity_arn
from keystead.identity.repository import Entity, Role, User
from keystead.policy.evaluation import ContextValue, Keys, Principal, PrincipalType, principal_keys
from keystead.policy.reasons import principal_named
from keystead.policy.text import ascii_lower
from keystead.policy.text import values as parse
from keystead.wire.models import iam as api

Who = tuple[Principal, Keys]
"""A caller, and the condition keys that tell about it."""

_FORMS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "numeric": (parse.number, "numeric format"),
    "boolean": (parse.boolean, "true or false"),
    "ip": (parse.address, "IP address"),
    "binary": (parse.binary, "base-64 encoded binary format"),
    "date": (parse.date, "DateTime format"),
}
_LIST = "List"


def caller(call: IamCall, arn: str | None, source: Entity | None, *, resource_policy: bool) -> Who:
    """The simulated caller: CallerArn, or the source of the policies, or a caller without a name.

    With a resource policy the caller must be a user.
    """
    named = arn if arn is not None else (source.arn if source is not None else None)
    kind = entity_arn(named).resource.partition("/")[0] if named is not None else ""
    if resource_policy and named is None:
        raise api.InvalidInputException("Invalid caller - Caller cannot be null or empty.")
    if resource_policy and kind != "user":
        raise api.InvalidInputException(
            "Invalid caller - Caller must be an IAM user in this context."
        )
    if isinstance(source, User) and named == source.arn:
        who = callers.user(call.repository, call.transaction, source)
        return who.principal, who.keys
    if isinstance(source, Role) and named == source.arn:
        who = callers.any_session(call.repository, call.transaction, source)
        return who.principal, who.keys
    if named is None:
        return _unnamed("", call.account)
    if kind == "group":
        return _unnamed(named, entity_arn(named).account)
    principal = principal_named(named, "", "")
    return principal, principal_keys(principal)


def _unnamed(arn: str, account: str) -> Who:
    """A caller without a user name; only its account is known."""
    principal = Principal(PrincipalType.USER, arn, account, "")
    return principal, {"aws:principalaccount": account}


def entries(given: Sequence[api.ContextEntry] | None) -> dict[str, ContextValue]:
    """The condition keys that the request gives; raises InvalidInput for a wrong entry."""
    keys: dict[str, ContextValue] = {}
    for entry in given or ():
        name = entry.context_key_name
        if not name:
            raise api.InvalidInputException("ContextKeyName cannot be null or empty.")
        key = ascii_lower(name)
        if key in keys:
            raise api.InvalidInputException(f"Duplicate context key: {name}.")
        keys[key] = _value(name, entry)
    return keys


def _value(name: str, entry: api.ContextEntry) -> ContextValue:
    """The value of an entry: a text, or several for a type that is a list."""
    kind, texts = entry.context_key_type, entry.context_key_values
    if kind is None:
        raise api.InvalidInputException(f"Context key {name} has invalid type null.")
    if not texts:
        raise api.InvalidInputException(
            f"Context values for context key {name} cannot be null or empty."
        )
    _require_form(name, kind.removesuffix(_LIST), texts)
    if kind.endswith(_LIST):
        return tuple(texts)
    if len(texts) != 1:
        raise api.InvalidInputException(
            f"Context key {name} expected a single value, but received {len(texts)}."
        )
    return texts[0]


def _require_form(name: str, kind: str, texts: Sequence[str]) -> None:
    if kind not in _FORMS:
        return
    read, form = _FORMS[kind]
    if any(read(text) is None for text in texts):
        raise api.InvalidInputException(f"Invalid context value for key {name}: expected {form}.")
