"""The rules of tags: which are refused, how policies see them, how they are given back.

Keys of users (and roles) are the same when they differ only in case; keys of other resources are
not. Keys that begin with `aws:` are reserved (iam.md 2.3).
"""

from collections.abc import Iterable, Mapping, Sequence

from keystead.identity.limits import TAGS_PER_RESOURCE
from keystead.identity.names import canonical
from keystead.policy.context import ContextValue
from keystead.wire.models import iam as api

_RESERVED = "aws:"


def requested(tags: Sequence[api.Tag] | None, *, fold: bool) -> dict[str, str]:
    """The tags of a request; refuses a key that is given twice, and reserved keys."""
    given = {tag.key: tag.value for tag in tags or ()}
    distinct = {canonical(key) for key in given} if fold else given
    if len(distinct) != len(tags or ()):
        raise api.InvalidInputException(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    require_unreserved(given)
    return given


def require_unreserved(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may set."""
    if any(canonical(key).startswith(_RESERVED) for key in keys):
        raise api.InvalidInputException(
            "Tag keys that begin with aws: are reserved and cannot be changed."
        )


def merged(
    known: Mapping[str, str], given: Mapping[str, str], *, fold: bool, quota: str
) -> dict[str, str]:
    """The tags after a Tag call: a new value replaces the old, and keys take the new case."""
    given_keys = {canonical(key) for key in given} if fold else set(given)
    kept = {
        key: value
        for key, value in known.items()
        if (canonical(key) if fold else key) not in given_keys
    }
    together = {**kept, **given}
    if len(together) > TAGS_PER_RESOURCE:
        raise api.LimitExceededException(f"Cannot exceed quota for {quota}: {TAGS_PER_RESOURCE}")
    return together


def without(known: Mapping[str, str], keys: Iterable[str], *, fold: bool) -> dict[str, str]:
    """The tags after an Untag call; keys that are not there are no error."""
    if fold:
        gone = {canonical(key) for key in keys}
        return {key: value for key, value in known.items() if canonical(key) not in gone}
    gone = set(keys)
    return {key: value for key, value in known.items() if key not in gone}


def request_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """`aws:RequestTag/…` and `aws:TagKeys`; nothing when the request carries no tags."""
    if not tags:
        return {}
    keys: dict[str, ContextValue] = {
        f"aws:requesttag/{canonical(key)}": value for key, value in tags.items()
    }
    keys["aws:tagkeys"] = tuple(tags)
    return keys


def untag_keys(keys: Sequence[str]) -> dict[str, ContextValue]:
    """`aws:TagKeys` of an Untag call."""
    require_unreserved(keys)
    return {"aws:tagkeys": tuple(keys)} if keys else {}


def resource_keys(tags: Mapping[str, str], *prefixes: str) -> dict[str, ContextValue]:
    """`aws:ResourceTag/…`, and `iam:ResourceTag/…` where IAM has it."""
    return {
        f"{prefix}:resourcetag/{canonical(key)}": value
        for key, value in tags.items()
        for prefix in prefixes
    }


def shown(tags: Mapping[str, str]) -> list[api.Tag]:
    """The tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]
