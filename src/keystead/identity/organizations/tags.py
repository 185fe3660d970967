"""How does Organizations refuse tags?  The rule is `keystead.tags`; keys do not fold here."""

from collections.abc import Iterable, Mapping, Sequence

from keystead import tags as rule
from keystead.identity.organizations import limits
from keystead.policy.evaluation import ContextValue
from keystead.wire.models import organizations as api


def requested(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request; refuses a key that is given twice, reserved keys, and too many."""
    given = {tag.key: tag.value for tag in tags or ()}
    require_unreserved(given)
    if len(given) != len(tags or ()):
        raise _duplicate()
    require_together(given)
    return given


def require_together(tags: Mapping[str, str]) -> None:
    """Refuse more tags than there may be, and keys that policies cannot tell apart."""
    if not rule.told_apart(tags):
        raise _duplicate()
    if len(tags) > rule.MOST_TAGS:
        raise limits.exceeded(
            "MAX_TAG_LIMIT_EXCEEDED",
            "You have exceeded the number of tags allowed on this resource.",
        )


def require_unreserved(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may set."""
    if rule.any_reserved(keys):
        raise api.InvalidInputException(
            "You can't add, edit, or delete system tag keys because they're reserved for AWS use.",
            reason="INVALID_SYSTEM_TAGS_PARAMETER",
        )


def resource_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """`aws:ResourceTag/…`; tags of which one would hide the other are refused here, too."""
    require_together(tags)
    return rule.resource_keys(tags, "aws")


def _duplicate() -> api.InvalidInputException:
    return api.InvalidInputException(
        "Tag keys must be unique among the tags attached to the same entity.",
        reason="DUPLICATE_TAG_KEY",
    )
