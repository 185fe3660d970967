"""How does the log look?  One JSON object per line on standard error, and never a secret.

A person at a terminal gets the same lines as text, unless `log_format` says otherwise.

INVARIANT: only the fields of `FIELDS` can be logged (threat-model OP-1). Another field is refused
when the line is written. So a review sees each new field. An unexpected exception is logged by its
type and its trace, without its message: messages of foreign exceptions quote values, and a value
may be a secret.

An outage is trouble that goes on until its cause is gone, such as a full disk. It is told in at
most one line a second for each message, with a count instead of a trace.
"""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from traceback import extract_tb

import msgspec

from keystead.store.protocol import StoreUnavailable

FIELDS = frozenset(
    {
        "bytes",  # how many
        "count",
        "error",
        "hint",
        "job",
        "key_id",
        "operation",
        "pool",  # of work
        "reason",  # of an outage, in our own words
        "request_id",
        "service",
        "signal",
        "table",
        "trace",
        "url",
    }
)

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_logger = logging.getLogger("keystead")
_encode = msgspec.json.Encoder().encode

Field = str | int | float | list[str]


class _Line(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        return _encode(line | _fields(record)).decode()


class _Text(logging.Formatter):
    """A record as a person reads it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        hint = f"\nkeystead: hint: {fields.pop('hint')}" if fields.get("hint") else ""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        told = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "trace")
        return f"keystead: {level}{record.getMessage()}{f' ({told})' if told else ''}{hint}"


def _fields(record: logging.LogRecord) -> dict[str, Field]:
    fields = getattr(record, "fields", {})  # of other rooms too, which log by the library
    shown = {name: value for name, value in fields.items() if name in FIELDS}
    if record.exc_info and record.exc_info[1] is not None:
        shown.update(described(record.exc_info[1]))
    return shown


def described(error: BaseException) -> dict[str, Field]:
    """An exception as fields: its type and its trace, not its message."""
    trace = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]
    return {"error": type(error).__qualname__, "trace": trace}


OUTAGE = {"outage": True}  # `extra` of a record that is about an outage
A_SECOND = 1.0


@dataclass(slots=True)
class _Told:
    """One message about an outage: when it was last told, and the records since."""

    at: float
    untold: int = 0
    newest: logging.LogRecord | None = None


class Outages(logging.Filter):
    """Lets one record a second through for each message about an outage, with a count."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._told: dict[object, _Told] = {}  # by message; our own messages are few

    def filter(self, record: logging.LogRecord) -> bool:
        """Is this record told now?"""
        if not getattr(record, "outage", False):
            return True
        now = self._monotonic()
        told = self._told.setdefault(record.msg, _Told(now - A_SECOND))
        told.untold += 1
        if now - told.at < A_SECOND:
            record.args = tuple(map(str, record.args or ()))  # an error would hold its frames
            told.newest = record
            return False
        record.fields = {**getattr(record, "fields", {}), "count": told.untold}
        self._told[record.msg] = _Told(now)
        return True

    def due(self) -> list[logging.LogRecord]:
        """The records that have waited for a second, each the newest of its message."""
        due = [told for told in self._told.values() if self._monotonic() - told.at >= A_SECOND]
        records = [told.newest for told in due if told.newest is not None]
        for told in due:
            told.untold -= told.newest is not None  # it is counted again when it comes again
            told.newest = None
        return records


def tell_outages() -> None:
    """Write the records that have waited; called once a second."""
    for handler in _logger.handlers:
        for outages in handler.filters:
            if isinstance(outages, Outages):
                for record in outages.due():
                    handler.handle(record)


def start(level: str, form: str = "json") -> None:
    """Send our log and asyncio's warnings to standard error, as JSON or text (`log_format`)."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler.setFormatter(_Text() if as_text else _Line())
    handler.addFilter(Outages())
    logging.raiseExceptions = False  # a closed standard error is no reason to print a traceback
    for name in ("keystead", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    set_level(level)


def set_level(level: str) -> None:
    """Log from this level on."""
    _logger.setLevel(LEVELS[level])


def started() -> bool:
    """Is standard error the log's?  Then every text there has to be a line of the log."""
    return bool(_logger.handlers)


def _write(level: int, message: str, fields: dict[str, Field]) -> None:
    if not fields.keys() <= FIELDS:
        raise ValueError(f"not a log field: {sorted(fields.keys() - FIELDS)}")
    _logger.log(level, message, extra={"fields": fields})


def debug(message: str, **fields: Field) -> None:
    """Log a detail for a person who is looking for a defect."""
    if _logger.isEnabledFor(logging.DEBUG):
        _write(logging.DEBUG, message, fields)


def info(message: str, **fields: Field) -> None:
    """Log news that an operator likes to know."""
    _write(logging.INFO, message, fields)


def warning(message: str, **fields: Field) -> None:
    """Log an event that an operator should look at."""
    _write(logging.WARNING, message, fields)


def alarm(message: str, error: BaseException | None = None, **fields: Field) -> None:
    """Log an event that an operator must look at: our bug, or somebody's tampering."""
    _write(logging.ERROR, message, {**fields, **(described(error) if error else {})})


def failed(message: str, hint: str) -> None:
    """Log why the process ends, for a person."""
    _write(logging.ERROR, message, {"hint": hint} if hint else {})


def not_reloaded(message: str, hint: str) -> None:
    """Log why the settings stay as they were, for a person."""
    _write(logging.WARNING, f"the settings stay as they were: {message}", {"hint": hint})


def outage(message: str, error: BaseException | None = None, **fields: Field) -> None:
    """Log trouble that an operator must look at, and that goes on until its cause is gone."""
    if error is not None:
        fields["error"] = type(error).__qualname__
    if isinstance(error, StoreUnavailable):  # its words are ours, and name the disk
        fields["reason"] = str(error)
    _logger.error(message, extra={"fields": fields, **OUTAGE})
