"""The rule of tags: which keys there may be together, and what policies see of them.

    names       AWS's own keys begin with `aws:`, in any case, and nobody else sets or removes them
    together    at most fifty, and no two keys that policies cannot tell apart
    in policies aws:RequestTag/key, aws:TagKeys, and of what has them aws:ResourceTag/key

Condition keys do not tell upper from lower case (`aws:ResourceTag/Team`): of two keys that differ
only in case one would hide the other from a policy, so nothing has two such tags. Some resources
take a new spelling for the old key, which is then said to `fold`; others tell the two apart, and
there another spelling beside the old one is refused. How long keys and values are, and of which
characters, is in each service's model. How a refusal is said is the service's own:
`kms/keys/tags.py`, `identity/tagging.py`. (iam.md 2.3; kms.md 4.3, 9; threat-model KM-10)
"""

from collections.abc import Collection, Iterable, Mapping

from keystead.policy.evaluation import ContextValue
from keystead.policy.text import ascii_lower

MOST_TAGS = 50  # of one resource

_RESERVED = "aws:"


def any_reserved(keys: Iterable[str]) -> bool:
    """Is one of these AWS's own?"""
    return any(ascii_lower(key).startswith(_RESERVED) for key in keys)


def told_apart(keys: Collection[str]) -> bool:
    """Can policies tell all of these keys from each other?"""
    return len({ascii_lower(key) for key in keys}) == len(keys)


def merged(known: Mapping[str, str], given: Mapping[str, str], *, fold: bool) -> dict[str, str]:
    """The tags after `given` was set: a new value replaces the old.

    Where keys `fold`, they take the new case; else another spelling stands beside the old one, and
    `told_apart` is asked whether it may.
    """
    return {**without(known, given, fold=fold), **given}


def without(known: Mapping[str, str], keys: Iterable[str], *, fold: bool) -> dict[str, str]:
    """The tags after these keys were removed; keys that are not there are no error."""
    if fold:
        gone = {ascii_lower(key) for key in keys}
        return {key: value for key, value in known.items() if ascii_lower(key) not in gone}
    gone = set(keys)
    return {key: value for key, value in known.items() if key not in gone}


def request_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """`aws:RequestTag/…` and `aws:TagKeys`; nothing when a request carries no tags."""
    keys: dict[str, ContextValue] = {
        f"aws:requesttag/{ascii_lower(key)}": value for key, value in tags.items()
    }
    return keys | tag_keys(tags)


def tag_keys(keys: Iterable[str]) -> dict[str, ContextValue]:
    """`aws:TagKeys` alone, as requests to remove tags have it. A request without any has no key."""
    named = tuple(keys)
    return {"aws:tagkeys": named} if named else {}


def resource_keys(tags: Mapping[str, str], *prefixes: str) -> dict[str, ContextValue]:
    """`aws:ResourceTag/…` for the prefix `aws`; IAM's resources have `iam:ResourceTag/…` too."""
    return {
        f"{prefix}:resourcetag/{ascii_lower(key)}": value
        for key, value in tags.items()
        for prefix in prefixes
    }
