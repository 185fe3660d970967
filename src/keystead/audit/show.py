"""Which records does a person want to see, and how?  For `keystead audit show`.

Reads the files from their end, so that the newest records of a long log come at once. It does
not verify; a line that is not a record is shown as one, with what is wrong with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from keystead.audit import lines
from keystead.audit.files import segments
from keystead.audit.jsontext import printable

_BLOCK = 1 << 20
_STEPS_BACK = timedelta(hours=1)  # how far a clock may have been set back within the log


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show; an empty member asks nothing."""

    last: int | None = 20  # at most so many, the newest; None = all
    event_name: str = ""
    user: str = ""  # a user's name, an ARN, the last part of one, a principal or access key id
    errors_only: bool = False
    request_id: str = ""
    since: datetime | None = None

    def accepts(self, event: dict[str, Any]) -> bool:
        """Does the event answer every question?"""
        return (
            (not self.event_name or event.get("eventName") == self.event_name)
            and (not self.user or self.user in _names(event))
            and (not self.errors_only or "errorCode" in event)
            and (not self.request_id or event.get("requestID") == self.request_id)
            and (self.since is None or _time(event) >= self.since)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One event for a table; printable, whatever callers put into it."""

    time: str
    event: str
    user: str
    outcome: str  # "ok" or the error code
    resource: str
    source_ip: str
    request_id: str


def events(directory: Path, wanted: Filter) -> list[dict[str, Any]]:
    """The newest events that `wanted` accepts, the oldest of them first."""
    found = list(islice(_newest_first(directory, wanted), wanted.last))
    found.reverse()
    return found


def row(event: dict[str, Any]) -> Row:
    """The event as a table shows it."""
    identity = event.get("userIdentity") or {}
    resources = event.get("resources") or [{}]
    cells = (
        event.get("eventTime"),
        event.get("eventName"),
        identity.get("arn") or identity.get("invokedBy") or identity.get("accessKeyId"),
        _outcome(event),
        resources[0].get("ARN"),
        event.get("sourceIPAddress"),
        event.get("requestID"),
    )
    return Row(*(printable(str(cell or "-")) for cell in cells))


def _outcome(event: dict[str, Any]) -> str:
    """How it ended, `ok` or the error code; of a record of counts, how many ended so."""
    code = str(event.get("errorCode", "ok"))
    details = event.get("serviceEventDetails") or {}
    return f"{code} x{details['total']}" if "total" in details else code


def _newest_first(directory: Path, wanted: Filter) -> Iterator[dict[str, Any]]:
    for segment in reversed(segments(directory)):
        for line in _lines_backwards(segment.path):
            event = _event(line, segment.path.name)
            if wanted.since is not None and _time(event) < wanted.since - _STEPS_BACK:
                return
            if wanted.accepts(event):
                yield event


def _event(line: bytes, name: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = msgspec.json.decode(lines.read(line)[0])
    except (lines.BadLine, msgspec.DecodeError) as error:
        return {"errorCode": "BadRecord", "errorMessage": f"`{name}`: {error}"}
    return event


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """The complete lines of a file, the last one first."""
    with path.open("rb") as file:
        position = file.seek(0, 2)
        rest = b""
        complete = False  # what follows the last newline is still being written
        while position > 0:
            start = max(0, position - _BLOCK)
            file.seek(start)
            parts = (file.read(position - start) + rest).split(b"\n")
            position, rest = start, parts[0]
            for part in reversed(parts[1:]):
                if complete:
                    yield part + b"\n"
                complete = True
        if complete:
            yield rest + b"\n"


def _names(event: dict[str, Any]) -> set[str]:
    identity = event.get("userIdentity") or {}
    arn = identity.get("arn", "")
    found = {arn, arn.rpartition("/")[2], arn.rpartition(":")[2]}
    return found | {str(identity.get(n)) for n in ("userName", "principalId", "accessKeyId")}


def _time(event: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(event["eventTime"])
    except (KeyError, ValueError):
        return datetime.max.replace(tzinfo=UTC)  # an unreadable line is never too old to be shown
