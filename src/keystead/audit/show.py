"""Which records does a person want to see, and how?  For `keystead audit show`.

The files are read from their end, so the newest records of a long log come at once. Nothing is
verified. A line that is not a record is shown as a record, with a description of its mistake.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from keystead.audit.log import segments
from keystead.audit.records import lines, printable

_BLOCK = 1 << 20
_STEPS_BACK = timedelta(hours=1)  # how far a clock may have been set back within the log


@dataclass(frozen=True, slots=True)
class Filter:
    """The events to show. An empty member excludes nothing."""

    last: int | None = 20  # at most so many of the newest events; None = all
    event_name: str = ""
    user: str = ""  # a user's name, an ARN or its last part, a principal id or an access key id
    errors_only: bool = False
    request_id: str = ""
    since: datetime | None = None

    def accepts(self, event: dict[str, Any]) -> bool:
        """Does the event meet every condition?"""
        return (
            (not self.event_name or event.get("eventName") == self.event_name)
            and (not self.user or self.user in _names(event))
            and (not self.errors_only or bool(_error(event)))
            and (not self.request_id or event.get("requestID") == self.request_id)
            and (self.since is None or _time(event) >= self.since)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One event for a table. It is printable, whatever data callers sent."""

    time: str
    event: str
    user: str
    outcome: str  # "ok", "Failure" or the error code
    resource: str
    source_ip: str
    request_id: str


def events(directory: Path, wanted: Filter) -> list[dict[str, Any]]:
    """The newest events that `wanted` accepts, in the order of the log."""
    newest = list(islice(_newest_first(directory, wanted), wanted.last))
    newest.reverse()
    return newest


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
    """What went wrong, or `ok`. A record of counts also shows the number of refusals."""
    code = _error(event) or "ok"
    details = event.get("serviceEventDetails") or {}
    return f"{code} x{details['total']}" if "total" in details else code


def _error(event: dict[str, Any]) -> str:
    """The error code; of a sign-in that failed, which has none as at AWS, `Failure`."""
    if "errorCode" in event:
        return str(event["errorCode"])
    if event.get("eventType") != "AwsConsoleSignIn":
        return ""
    return "Failure" if "Failure" in (event.get("responseElements") or {}).values() else ""


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
        complete = False  # the text after the last newline is still being written
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
    names = {arn, arn.rpartition("/")[2], arn.rpartition(":")[2]}
    return names | {str(identity.get(n)) for n in ("userName", "principalId", "accessKeyId")}


def _time(event: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(event["eventTime"])
    except (KeyError, ValueError):
        return datetime.max.replace(tzinfo=UTC)  # so an unreadable line is always shown
