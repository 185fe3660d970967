"""By which names does a caller hold grants?

A user holds those for its unique id, a session those for itself and for its role, and everybody
those for the account. A unique id is never given again, so that a namesake holds nothing.
"""

from collections.abc import Iterator, Mapping

from keystead.kms.grants.records import NO_PAIR, Pair
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType

Names = tuple[str, ...]

OF_CONTEXT = "kms:encryptioncontext:"
"""The beginning of the condition key of a pair in the encryption context."""
_SOURCE = "aws:sourcearn"
_USER, _ROLE = PrincipalType.USER, PrincipalType.ASSUMED_ROLE


def names_of(who: Principal) -> Names:
    """The names by which grants are looked up; at most three, but for a service."""
    kind = who.type
    if kind is _USER:
        return who.unique_id, who.account
    if kind is _ROLE:
        return who.user_id, who.unique_id, who.account
    if kind is PrincipalType.ACCOUNT:
        return (who.account,)
    if kind is PrincipalType.FEDERATED_USER:
        return tuple(name for name in (who.arn, who.issuer_id, who.account) if name)
    return who.service_names


def pairs_of(keys: Mapping[str, ContextValue], given: Mapping[str, ContextValue]) -> list[Pair]:
    """The pairs of a request by which grants with constraints are found.

    `keys` are those of every request, `given` those of this operation.
    """
    return [*_pairs(keys, given)] or [NO_PAIR]


def _pairs(keys: Mapping[str, ContextValue], given: Mapping[str, ContextValue]) -> Iterator[Pair]:
    for name, value in given.items():
        if name.startswith(OF_CONTEXT) and isinstance(value, str):
            yield name, value
    source = given.get(_SOURCE, keys.get(_SOURCE))
    if isinstance(source, str):
        yield _SOURCE, source
