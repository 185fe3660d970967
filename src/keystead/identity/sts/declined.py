"""The declined operations of STS, with STS's words about tags (`identity/declined.py`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from keystead.identity.declined import decline
from keystead.identity.rules import DECLINED_STS
from keystead.identity.sts import session_tags


def _requested(tags: Sequence[Any] | None) -> Mapping[str, str]:
    return {tag.key: tag.value for tag in session_tags.requested(tags)}


decline(DECLINED_STS, _requested)
