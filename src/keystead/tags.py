"""The rule of tags: which keys a resource may have together, and how policies see them.

    names       AWS's own keys begin with `aws:`, in any case; nobody else sets or removes them
    together    at most fifty, and no two keys that policies cannot tell apart
    in policies aws:RequestTag/key and aws:TagKeys; for a resource with tags aws:ResourceTag/key

Condition keys do not tell upper from lower case (`aws:ResourceTag/Team`). If two keys differed only
in case, one would hide the other from a policy. So no resource has two such tags. For some
resources a new spelling replaces the old key; their keys are said to `fold`. Others tell the two
apart, and refuse another spelling beside the old one.

The length and the characters of keys and values are in each service's model. Each service has its
own words for a refusal: `kms/keys/tags.py`, `identity/tagging.py`. (iam.md 2.3; kms.md 4.3, 9;
threat-model KM-10)
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

    If keys `fold`, they take the new case. Else another spelling stands beside the old one;
    `told_apart` says whether it may.
    """
    return {**without(known, given, fold=fold), **given}


def without(known: Mapping[str, str], keys: Iterable[str], *, fold: bool) -> dict[str, str]:
    """The tags after these keys were removed; a key that is not there is not an error."""
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
    """`aws:TagKeys` alone, as in requests to remove tags; absent in a request without tags."""
    named = tuple(keys)
    return {"aws:tagkeys": named} if named else {}


def resource_keys(tags: Mapping[str, str], *prefixes: str) -> dict[str, ContextValue]:
    """`aws:ResourceTag/…` for the prefix `aws`; IAM's resources have `iam:ResourceTag/…` too."""
    return {
        f"{prefix}:resourcetag/{ascii_lower(key)}": value
        for key, value in tags.items()
        for prefix in prefixes
    }
