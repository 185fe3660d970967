"""One installation: its rooms, the pipeline that answers its callers, and its upkeep."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import keystead
from keystead.clock import machine_clock, system_clock
from keystead.identity.authentication import MOST_ACCESSES
from keystead.identity.federation import Network
from keystead.server.installation import process
from keystead.server.installation.config import Config
from keystead.server.installation.rooms import Rooms
from keystead.server.installation.services import ROWS, calls
from keystead.server.installation.serving import Serving
from keystead.server.installation.upkeep import Upkeep
from keystead.server.pipeline import Counts, Endings, Pipeline, Way
from keystead.store.lock import DirectoryLock
from keystead.work import Spare


class Installation(Rooms):
    """One data directory, open. `close` releases its lock."""

    def __init__(
        self,
        config: Config,
        held: DirectoryLock,
        *,
        development: bool | None = None,
        wall: Callable[[], datetime] = system_clock,
        monotonic: Callable[[], float] = machine_clock,
        network: Network | None = None,
    ) -> None:
        super().__init__(
            config, held, development=development, wall=wall, monotonic=monotonic, network=network
        )
        self.serving = Serving(lambda: self.trouble)
        counts = Counts(self.throttle, self.strangers, self.metrics)
        endings = Endings(
            self.trail, ROWS, self.metrics, self.refusals, self.unknown, self.throttled, counts
        )
        self.pipeline = Pipeline(
            self.store,
            self.authenticator,
            calls(self),
            ROWS,
            self.clock,
            self.metrics,
            counts,
            endings,
            self.lane,
            Spare(),
            self.preparations,
            Way(self.entrances, self.guardrails),
        )
        self.upkeep = Upkeep(self)
        self._show_numbers()

    def _show_numbers(self) -> None:
        show = self.metrics.show
        show("keystead_ready", lambda: self.serving.ready)
        show("keystead_epoch", lambda: self.store.state)
        show("keystead_audit_signed_records", self._signed)
        show("keystead_policy_disagreements_total", lambda: self.enforcer.disagreements)
        show("keystead_kept_bytes", self.kept_bytes)
        show("keystead_work_waiting", lambda: self.lane.waiting)
        show("keystead_work_begun", lambda: self.lane.begun)
        show("keystead_refusals_counted_total", lambda: self.unknown.counted)
        show("keystead_refusals_not_kept_total", lambda: self.refusals.lost)
        show("keystead_key_uses_not_kept_total", lambda: self.last_uses.lost)
        show("keystead_dated_work_overdue_seconds", self.agenda.overdue_seconds)
        show("keystead_dated_work_failing", lambda: len(self.agenda.failing))

    def kept_bytes(self) -> int:
        """The cost, in bytes, of all caches that a caller can fill (operating.md)."""
        return (
            self.authenticator.kept_bytes
            + self.identities.compiled.cost
            + self.identities.accepted.cost
            + self.ceilings.kept_bytes
            + self.keys.kept_bytes
            + self.heard.kept_bytes
            + self.custody.kept_bytes
            + self.last_uses.kept_bytes
            + self.trail.kept_bytes
            + self.refusals.kept_bytes
            + self.enforcer.kept_bytes
            + self.hierarchy.sums.kept_bytes
            + self.throttle.kept_bytes
            + self.strangers.kept_bytes
            + self.provider_keys.kept_bytes
            + self.entrances.kept_bytes
        )

    def _signed(self) -> int:
        """How many records the newest checkpoint covers."""
        return self.trail.head.size if self.trail.head else 0

    def refused(self, reason: str) -> None:
        """Count bytes or a connection that never became a request, in metrics and log."""
        self.metrics.refused(reason)
        self.unknown.refused(reason)

    # for the operator

    def status(self) -> dict[str, Any]:
        """The condition of this installation, without secrets."""
        return {
            "version": keystead.__version__,
            "condition": self.serving.word,
            **({"trouble": self.trouble} if self.trouble else {}),
            **({"development": True} if self.hierarchy.development else {}),
            "regions": list(self.config.regions),
            "accounts": self.identities.accounts.numbers(self.store.read()),
            "epoch": self.store.state,
            "auditSignedRecords": self._signed(),
            "clock": self._clock_word(),
            "memoryLocked": process.memory_is_locked(),
        }

    def _clock_word(self) -> str:
        """`behind` refuses every caller, `jumped` holds the destruction of keys, or `believed`."""
        if self.clock.is_behind(self.clock.now()):
            return "behind"
        return "jumped" if self.clock.holds_irreversible_work() else "believed"

    def close(self) -> None:
        """Make everything durable and let go of the directory."""
        upkeep = self.upkeep
        try:
            if not self.failed:
                try:
                    upkeep.remember_time()
                    while not self.last_used.is_empty:
                        upkeep.write_last_used()
                    while not self.last_uses.is_empty:
                        upkeep.write_key_uses(1000, at_once=True)
                    upkeep.write_accesses(MOST_ACCESSES)
                    self.refusals.write_all(self.store, self.commit, self.clock.now())
                    upkeep.write_counted()
                finally:
                    self.trail.close()
        finally:
            self.store.close()
