"""Which tags does a new session have?  Those that are passed, and those that came with the caller.

A transitive tag of a role session goes on to every session that it begins, and cannot be passed
again with another value (ST-7, iam.md 5.8). Other tags end with their session.
"""

from collections.abc import Sequence

from keystead.errors import AwsError
from keystead.identity.names import canonical
from keystead.identity.sessions import Session, SessionTag
from keystead.tags import MOST_TAGS, any_reserved, told_apart
from keystead.wire.models import sts as api


class InvalidParameterValue(AwsError):
    """Tags that contradict each other, or the tags of the calling session."""

    code = "InvalidParameterValue"


def requested(
    tags: Sequence[api.Tag] | None, transitive: Sequence[str] | None = None
) -> tuple[SessionTag, ...]:
    """The tags that a request passes; policies can tell their keys apart."""
    keys = [tag.key for tag in tags or ()]
    if not told_apart(keys):
        raise InvalidParameterValue(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if any_reserved(keys):
        raise InvalidParameterValue(
            "Tag keys that begin with aws: are reserved and cannot be passed."
        )
    goes_on = {canonical(key) for key in transitive or ()}
    if not goes_on <= set(map(canonical, keys)):
        raise InvalidParameterValue(
            "The specified transitive tag key must be included in the requested tags."
        )
    return tuple(
        SessionTag(tag.key, tag.value, canonical(tag.key) in goes_on) for tag in tags or ()
    )


def inherited(session: Session | None) -> tuple[SessionTag, ...]:
    """The tags that a calling session passes on."""
    return () if session is None else tuple(tag for tag in session.tags if tag.transitive)


def together(
    passed: tuple[SessionTag, ...], passed_on: tuple[SessionTag, ...]
) -> tuple[SessionTag, ...]:
    """All tags of the new session; none that was passed takes the place of one passed on."""
    if {canonical(tag.key) for tag in passed} & {canonical(tag.key) for tag in passed_on}:
        raise InvalidParameterValue(
            "One of the specified transitive tag keys can't be set because it conflicts with a"
            " transitive tag key from the calling session."
        )
    if len(passed) + len(passed_on) > MOST_TAGS:
        raise InvalidParameterValue(f"A session can have at most {MOST_TAGS} tags.")
    return passed + passed_on
