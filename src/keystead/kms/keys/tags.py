"""Which tags may a key have?  (kms.md 4.3, 9; threat-model KM-10)"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from keystead.policy.evaluation import ContextValue
from keystead.policy.text import ascii_lower
from keystead.wire.models import kms as api

MOST_TAGS = 50

_REFUSED = re.compile(r"[^\w +\-=.:/@]")


def read(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request, checked; raises TagException."""
    given = {tag.tag_key: tag.tag_value for tag in tags or ()}
    if len(given) != len(tags or ()):
        raise api.TagException("Duplicate tag keys")
    require_allowed(given)
    for text in (*given, *given.values()):
        if _REFUSED.search(text):
            raise api.TagException(
                "Tag keys and values may hold only letters, numbers, spaces and + - = . _ : / @"
            )
    return given


def require_allowed(tag_keys: Iterable[str]) -> None:
    """Refuse keys that begin as AWS's own do."""
    if any(key.lower().startswith("aws:") for key in tag_keys):
        raise api.TagException("Tags beginning with aws: are reserved")


def require_together(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a key can have, and keys that policies cannot tell apart.

    Condition keys do not tell upper from lower case (`aws:ResourceTag/Team`): of two such tags one
    would hide the other from a policy.
    """
    if len(tags) > MOST_TAGS:
        raise api.TagException("Too many tags")
    if len({ascii_lower(key) for key in tags}) != len(tags):
        raise api.TagException("Duplicate tag keys")


def condition_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """What policies see of the tags in a request."""
    keys: dict[str, ContextValue] = {
        f"aws:requesttag/{ascii_lower(key)}": value for key, value in tags.items()
    }
    return keys | tag_keys(tags)


def resource_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """What identity policies see of the tags that a key has."""
    return {f"aws:resourcetag/{ascii_lower(key)}": value for key, value in tags.items()}


def tag_keys(tags: Iterable[str]) -> dict[str, ContextValue]:
    """What policies see of the keys alone. A request without any has no such key."""
    named = tuple(tags)
    return {"aws:tagkeys": named} if named else {}


def write(tags: Mapping[str, str]) -> str:
    """The tags as they are stored."""
    return msgspec.json.encode(tags).decode()
