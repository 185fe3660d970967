"""Is our log as new as what is kept of it elsewhere?  Each checkpoint is pushed to every sink.

A sink that knows a newer checkpoint than the log shows that an older state was put in its place
(threat-model RK-5). A sink that cannot be written delays nothing: it has the next checkpoint.
"""

import logging
from collections.abc import Sequence

from keystead.audit.log.checkpoint import Checkpoint, Signer
from keystead.audit.log.files import DiskFailed, DiskFull
from keystead.audit.log.recovery import AuditCorrupt, OlderState
from keystead.audit.log.sinks import Sink

_log = logging.getLogger(__name__)
OUTAGE = {"outage": True}  # the warning repeats until its cause is gone, so the log counts it


class Copies:
    """The sinks of one log."""

    __slots__ = ("_behind", "_signer", "_sinks")

    def __init__(self, sinks: Sequence[Sink], signer: Signer) -> None:
        self._sinks = sinks
        self._signer = signer
        self._behind: list[Sink] = []

    def open(self, head: Checkpoint | None) -> None:
        """Open the sinks, and note those that lack the newest checkpoint.

        Raises OlderState if a sink knows a newer checkpoint than `head` (RK-5).
        """
        for sink in self._sinks:
            kept = sink.open()
            if kept is not None:
                _require_ours(kept, self._signer)
                _require_not_older(head, kept)
            if kept is None or (head is not None and kept.order < head.order):
                self._behind.append(sink)

    def catch_up(self, line: bytes) -> None:
        """Push the newest checkpoint to the sinks that lack it."""
        _push(line, self._behind)
        self._behind = []

    def push(self, line: bytes) -> None:
        """Push a new checkpoint to all."""
        _push(line, self._sinks)

    def close(self) -> None:
        """Close all."""
        for sink in self._sinks:
            sink.close()


def _push(line: bytes, sinks: Sequence[Sink]) -> None:
    for sink in sinks:
        try:
            sink.push(line)
        except (DiskFull, DiskFailed) as error:
            _log.warning("a checkpoint did not reach a sink: %s", error, extra=OUTAGE)


def _require_ours(kept: Checkpoint, signer: Signer) -> None:
    """Raises AuditCorrupt if we did not sign this checkpoint of a sink.

    The signatures of our scheme are deterministic.
    """
    if kept.signature != signer.sign(kept.signed):
        raise AuditCorrupt(
            "the newest checkpoint that was kept elsewhere is not this installation's:"
            " name a file of its own as `checkpoint_file`"
        )


def _require_not_older(head: Checkpoint | None, kept: Checkpoint) -> None:
    """Raises OlderState if our newest checkpoint is older than one that was kept elsewhere."""
    size = head.size if head else 0
    if head is not None and (size > kept.size or _is_as_new(head, kept)):
        return
    raise OlderState(
        f"the newest checkpoint that was kept elsewhere covers {kept.size} records at {kept.time}."
        f" This data directory, with {size} signed records, does not contain it: an older state or"
        " another history was put in its place"
    )


def _is_as_new(head: Checkpoint, kept: Checkpoint) -> bool:
    """Do both checkpoints cover the same records, and is ours not the older one?"""
    return (head.size, head.root) == (kept.size, kept.root) and head.serial >= kept.serial
