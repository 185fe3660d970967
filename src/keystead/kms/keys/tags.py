"""How does KMS refuse tags?  The rule is `keystead.tags` (kms.md 4.3, 9; threat-model KM-10)."""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from keystead.tags import MOST_TAGS, any_reserved, told_apart
from keystead.wire.models import kms as api

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
    if any_reserved(tag_keys):
        raise api.TagException("Tags beginning with aws: are reserved")


def require_together(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a key can have, and keys that policies cannot tell apart."""
    if len(tags) > MOST_TAGS:
        raise api.TagException("Too many tags")
    if not told_apart(tags):
        raise api.TagException("Duplicate tag keys")


def write(tags: Mapping[str, str]) -> str:
    """The tags as they are stored."""
    return msgspec.json.encode(tags).decode()
