"""How does IAM refuse tags, and give them back?  The rule is `keystead.tags`.

On users (and roles) a new spelling of a key replaces the old one, as AWS has it: there keys fold.
On other resources, where AWS tells the two apart, it is refused (iam.md 2.3).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from keystead import tags as rule
from keystead.policy.evaluation import ContextValue
from keystead.wire.models import iam as api


def requested(tags: Sequence[api.Tag] | None) -> dict[str, str]:
    """The tags of a request; refuses a key that is given twice, and reserved keys."""
    _require_distinct([tag.key for tag in tags or ()])
    given = {tag.key: tag.value for tag in tags or ()}
    require_unreserved(given)
    return given


def _require_distinct(keys: Collection[str]) -> None:
    """Refuse keys that policies cannot tell apart."""
    if not rule.told_apart(keys):
        raise api.InvalidInputException(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )


def require_unreserved(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may set."""
    if rule.any_reserved(keys):
        raise api.InvalidInputException(
            "Tag keys that begin with aws: are reserved and cannot be changed."
        )


def merged(
    known: Mapping[str, str], given: Mapping[str, str], *, fold: bool, quota: str
) -> dict[str, str]:
    """The tags after a Tag call; refuses too many, and two that policies cannot tell apart."""
    together = rule.merged(known, given, fold=fold)
    _require_distinct(together)
    if len(together) > rule.MOST_TAGS:
        raise api.LimitExceededException(f"Cannot exceed quota for {quota}: {rule.MOST_TAGS}")
    return together


def untag_keys(keys: Sequence[str]) -> dict[str, ContextValue]:
    """`aws:TagKeys` of an Untag call."""
    require_unreserved(keys)
    return rule.tag_keys(keys)


def resource_keys(tags: Mapping[str, str], *prefixes: str) -> dict[str, ContextValue]:
    """`aws:ResourceTag/…`, and `iam:ResourceTag/…` where IAM has it.

    Tags of which one would hide the other are refused here too, with any origin.
    """
    _require_distinct(tags)
    return rule.resource_keys(tags, *prefixes)


def shown(tags: Mapping[str, str]) -> list[api.Tag]:
    """The tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]
