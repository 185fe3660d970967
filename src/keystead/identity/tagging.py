"""The rules of tags: which are refused, how policies see them, how they are given back.

Condition keys do not tell upper from lower case (`aws:ResourceTag/Team`): of two keys that differ
only in case one would hide the other from a policy, so nothing has two such tags. On users (and
roles) a new spelling replaces the old one, as AWS has it; on other resources, where AWS tells the
two apart, it is refused. Keys that begin with `aws:` are reserved (iam.md 2.3).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from keystead.identity.limits import TAGS_PER_RESOURCE
from keystead.identity.names import canonical
from keystead.policy.evaluation import ContextValue
from keystead.wire.models import iam as api

_RESERVED = "aws:"


def requested(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request; refuses a key that is given twice, and reserved keys."""
    _require_distinct([tag.key for tag in tags or ()])
    given = {tag.key: tag.value for tag in tags or ()}
    require_unreserved(given)
    return given


def _require_distinct(keys: Collection[str]) -> None:
    """Refuse keys that policies cannot tell apart."""
    if len({canonical(key) for key in keys}) != len(keys):
        raise api.InvalidInputException(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )


def require_unreserved(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may set."""
    if any(canonical(key).startswith(_RESERVED) for key in keys):
        raise api.InvalidInputException(
            "Tag keys that begin with aws: are reserved and cannot be changed."
        )


def merged(
    known: Mapping[str, str], given: Mapping[str, str], *, fold: bool, quota: str
) -> dict[str, str]:
    """The tags after a Tag call: a new value replaces the old.

    Where keys `fold`, they take the new case; else another spelling of one is refused.
    """
    given_keys = {canonical(key) for key in given} if fold else set(given)
    kept = {
        key: value
        for key, value in known.items()
        if (canonical(key) if fold else key) not in given_keys
    }
    together = {**kept, **given}
    _require_distinct(together)
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
    """`aws:ResourceTag/…`, and `iam:ResourceTag/…` where IAM has it.

    Tags of which one would hide the other are refused here, too, whoever stored them.
    """
    _require_distinct(tags)
    return {
        f"{prefix}:resourcetag/{canonical(key)}": value
        for key, value in tags.items()
        for prefix in prefixes
    }


def shown(tags: Mapping[str, str]) -> list[api.Tag]:
    """The tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]
