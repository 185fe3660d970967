"""How does Roles Anywhere refuse tags, and give them back?  The rule is `keystead.tags`."""

from collections.abc import Mapping, Sequence

from keystead import tags as rule
from keystead.identity.anywhere.naming import invalid
from keystead.wire.models import rolesanywhere as api


def requested(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request; refuses a key that is given twice, and reserved keys."""
    keys = [tag.key for tag in tags or ()]
    if len(set(keys)) != len(keys):
        raise invalid("A tag key is given twice")
    given = {tag.key: tag.value for tag in tags or ()}
    require_unreserved(keys)
    require_together(given)
    return given


def require_unreserved(keys: Sequence[str]) -> None:
    """Refuse keys that only AWS may set."""
    if rule.any_reserved(keys):
        raise invalid("Tag keys that begin with aws: are reserved")


def require_together(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a resource can have, and keys that policies cannot tell apart."""
    if len(tags) > rule.MOST_TAGS:
        raise api.TooManyTagsException(f"A resource can have at most {rule.MOST_TAGS} tags")
    if not rule.told_apart(tags):
        raise invalid("Two tag keys differ only in upper and lower case")


def shown(tags: Mapping[str, str]) -> list[api.Tag]:
    """The tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]
