"""Times are stored as whole seconds since the epoch, because IAM shows no more (iam.md 1.3)."""

from datetime import UTC, datetime


def stored(moment: datetime) -> int:
    return int(moment.timestamp())


def shown(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
