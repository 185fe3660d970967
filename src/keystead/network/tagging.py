"""How does EC2 refuse tags, and give them back?  The rule is `keystead.tags`.

A key may have any characters. But if the metadata of an instance have its tags, each key is the
last part of a path there, and EC2 takes those alone that can be one.

Two keys that policies cannot tell apart are refused, though EC2 has both (docs/divergences.md).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from keystead import tags as rule
from keystead.network.errors import TagLimitExceeded
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue, MissingParameter

LONGEST_KEY, LONGEST_VALUE = 127, 256
_PATTERN = r"[0-9a-zA-Z\-_+=,.@:]{1,255}"
_OF_PATH = re.compile(_PATTERN, re.ASCII)
_NO_PATHS = frozenset({".", "..", "_index"})


def read(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request, checked."""
    given: dict[str, str] = {}
    for tag in tags or ():
        if not tag.key:
            raise MissingParameter("The request must contain the parameter Tag.Key")
        if tag.key in given:
            raise InvalidParameterValue(f"Duplicate tag key '{tag.key[:100]}' specified.")
        given[tag.key] = tag.value or ""
    require_allowed(given)
    for key, value in given.items():
        if len(key) > LONGEST_KEY:
            raise InvalidParameterValue(f"Tag key exceeds the maximum length of {LONGEST_KEY}"
                                        " characters")  # fmt: skip
        if len(value) > LONGEST_VALUE:
            raise InvalidParameterValue(f"Tag value exceeds the maximum length of {LONGEST_VALUE}"
                                        " characters")  # fmt: skip
    require_together(given)
    return given


def require_allowed(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may set."""
    if rule.any_reserved(keys):
        raise InvalidParameterValue("Tag keys starting with 'aws:' are reserved for internal use")


def require_together(tags: Collection[str]) -> None:
    """Refuse more tags than a resource can have, and keys that policies cannot tell apart."""
    if len(tags) > rule.MOST_TAGS:
        raise TagLimitExceeded(f"The maximum number of tags is {rule.MOST_TAGS}.")
    if not rule.told_apart(tags):
        raise InvalidParameterValue("Two tag keys differ only in upper and lower case.")


def require_paths(keys: Iterable[str]) -> None:
    """Refuse keys that the metadata of an instance cannot have."""
    for key in keys:
        if key in _NO_PATHS or not _OF_PATH.fullmatch(key):
            raise InvalidParameterValue(
                f"'{key}' is not a valid tag key. Tag keys must match pattern ({_PATTERN}), and"
                " must not be a reserved name ('.', '..', '_index')"
            )


def of_new(specifications: Sequence[api.TagSpecification] | None, kind: str) -> dict[str, str]:
    """The tags with which a resource of this type is made."""
    tags: list[api.Tag] = []
    for each in specifications or ():
        if each.resource_type != kind:
            raise InvalidParameterValue(
                f"'{each.resource_type}' is not a valid taggable resource type for this operation."
            )
        tags += each.tags or ()
    return read(tags)


def shown(tags: Mapping[str, str]) -> list[api.Tag]:
    """The tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]
