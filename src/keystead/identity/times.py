"""Times are stored as whole seconds since the epoch, because IAM shows no more (iam.md 1.3)."""

from datetime import datetime

from keystead.times import from_seconds, seconds


def stored(moment: datetime) -> int:
    return seconds(moment)


def shown(stored: int) -> datetime:
    return from_seconds(stored)
