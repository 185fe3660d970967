"""How do the rooms fit together?  One installation: every room, opened and given to the others.

Everything else in Keystead knows only its own room. If a room needs another, it gets it here, as a
constructor's argument. The clock is such an argument, so that a test can travel in time.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import keystead
import keystead.identity.analyzer
import keystead.identity.iam
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.arns import partition_of, speak
from keystead.audit.event import Event
from keystead.audit.sinks import FileSink
from keystead.audit.throttled_calls import ThrottledCalls
from keystead.audit.trail import Trail
from keystead.audit.unknown_callers import UnknownCallers
from keystead.call import Guardrails
from keystead.clock import Clock, machine_clock, system_clock
from keystead.custody.files import make_directory, read_private
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material import Custody
from keystead.custody.seals import FileSeal, PassphraseSeal, SealProvider, open_root
from keystead.custody.state import open_sums
from keystead.failures import Failure
from keystead.identity.authentication import MOST_ACCESSES, Authenticator, LastUsed
from keystead.identity.call import AnalyzerCall, IamCall, StsCall
from keystead.identity.federation import Internet, KeyMemory, Network, Outside
from keystead.identity.iam import continue_report
from keystead.identity.organizations import OrganizationsCall
from keystead.identity.permissions import StoredGuardrails
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository import IdentityRepository
from keystead.identity.rules import ANALYZER, IAM, ORGANIZATIONS, STS
from keystead.kms.call import KmsCall
from keystead.kms.heard import Heard
from keystead.kms.keys import KeyRepository, LastUses
from keystead.kms.quotas import Quotas
from keystead.kms.rules import KMS
from keystead.kms.schedule import DATED, DESTRUCTION, EXPIRY, DatedWork
from keystead.network import EC2, NetworkCall
from keystead.policy.enforcement import Enforcer
from keystead.refusals.memory import Refusals
from keystead.refusals.queue import Capacity
from keystead.refusals.repository import Bounds, RefusalRepository
from keystead.server.installation import process
from keystead.server.installation.clock_repository import ClockRepository
from keystead.server.installation.config import Config
from keystead.server.installation.founding import AUDIT_DIRECTORY, STORE_FILE
from keystead.server.installation.jobs import (
    SLICE_SECONDS,
    Agenda,
    Job,
    JobRepository,
    Outcome,
)
from keystead.server.installation.serving import Serving
from keystead.server.lane import Lane
from keystead.server.pipeline import (
    OpenCall,
    Pipeline,
    Throttle,
    calls_of_strangers,
    new_request_id,
)
from keystead.server.telemetry import Metrics, logs
from keystead.store.lock import DirectoryLock
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite import open_store
from keystead.times import from_microseconds, microseconds, seconds
from keystead.trails import CLOUDTRAIL, DigestKeyMaker, DigestKeys, TrailCall
from keystead.work import Preparations

KEY_USES = "key uses"
"""The job that writes the last uses of keys."""

# Importing these modules registers every operation.
OPERATIONS = (
    keystead.identity.analyzer,
    keystead.identity.iam,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)


ROWS = {
    "access-analyzer": ANALYZER, "cloudtrail": CLOUDTRAIL, "ec2": EC2, "iam": IAM,
    "kms": KMS, "organizations": ORGANIZATIONS, "sts": STS,
}  # fmt: skip
"""The rows of the operations of each service."""


def lock(directory: Path) -> DirectoryLock:
    """Make the directory if it is missing, and lock it; raises DirectoryInUse."""
    make_directory(directory)
    return DirectoryLock(directory)


def passphrase(config: Config) -> str | None:
    """The passphrase of the root key, if one is configured."""
    if not config.passphrase_file:
        return None
    try:
        return read_private(Path(config.passphrase_file)).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Failure(
            f"`passphrase_file`: `{config.passphrase_file}` is not a text file in UTF-8",
            "write the passphrase into a text file",
        ) from None


def seal(config: Config) -> SealProvider:
    """The seal of an installation that is about to be made."""
    secret = passphrase(config) if config.seal == "passphrase" else None
    return FileSeal() if secret is None else PassphraseSeal(secret)


class Installation:
    """One data directory, open. It takes over the directory's lock; `close` releases it.

    `development` says for which purpose it is opened to serve, and raises Failure if it was made
    for the other; None opens either, for the operator's ceremonies.
    """

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
        self.config = config
        speak(partition_of(config.regions[0]))
        self.directory = config.directory
        self.metrics = Metrics()
        self.serving = Serving(lambda: self.trouble)
        self.hierarchy = Hierarchy(open_root(self.directory, passphrase(config)))
        self._require_purpose(development)
        self.store = open_store(
            self.directory / STORE_FILE,
            self.hierarchy.store_key,
            lock=held,
            must_exist=True,
            cache_mb=config.page_cache_mb,
        )
        self.clocks = ClockRepository(self.hierarchy.rows)
        self.job_records = JobRepository(self.hierarchy.rows)
        self.custody = Custody(self.hierarchy)
        self.preparations = Preparations()
        self.identities = IdentityRepository(self.hierarchy.rows, self.preparations)
        self.ceilings = StoredGuardrails(self.identities, self.store.read())
        self.keys = KeyRepository(self.hierarchy.rows, self.preparations)
        self.digest_keys = DigestKeys(self.hierarchy.rows)
        self.digest_key_maker = DigestKeyMaker()
        open_sums(self.hierarchy.rows, self.store)  # after every table is made: it counts all rows
        self.trail = Trail(
            self.directory / AUDIT_DIRECTORY,
            self.store,
            self.hierarchy.audit_signer,
            self.hierarchy.audit_tags,
            self.hierarchy.sums,
            sinks=tuple(FileSink(Path(file)) for file in (config.checkpoint_file,) if file),
            clock=wall,
            durable=self._note_uses,
            development=self.hierarchy.development,
        )
        head = self.trail.head
        signed = datetime.fromisoformat(head.time) if head else None
        self.clock = Clock(wall, monotonic, self.clocks.get(self.store.read()), signed)
        self.last_uses = LastUses(self._noting_since())
        self.heard = Heard()
        self.enforcer = Enforcer(preparations=self.preparations)
        self.guardrails: Guardrails = self.ceilings
        self.last_used = LastUsed()
        self.agenda = Agenda(
            DATED, self.store, self.trail, self.clock, self.keys, self.custody, self.job_records,
            self.metrics,
        )  # fmt: skip
        self.outcomes: dict[str, Outcome] = {}  # of the periodic jobs, by their names
        self._to_purge = True  # a crash may have come between a destruction and its purge
        self.refusals = Refusals(
            RefusalRepository(self.hierarchy.rows, Bounds()), self.hierarchy.tokens, Capacity()
        )
        self.unknown = UnknownCallers(self.trail, monotonic)
        self.throttled = ThrottledCalls(self.trail, monotonic)
        self.quotas = Quotas(config.quotas, requests=config.request_quotas)
        self.throttle = Throttle(self.quotas.per_second, monotonic)
        self.strangers = Throttle(self._calls_of_strangers, monotonic)
        self.lane = Lane()
        self.provider_keys = KeyMemory(monotonic)
        self.outside = Outside(config.reachable, network or Internet())
        self.authenticator = Authenticator(
            self.identities, self.hierarchy.session_tokens, config.regions, self.last_used
        )
        self.pipeline = Pipeline(
            self.store,
            self.trail,
            self.authenticator,
            self._calls(),
            ROWS,
            self.clock,
            self.metrics,
            self.refusals,
            self.unknown,
            self.throttled,
            self.throttle,
            self.strangers,
            self.lane,
            self.preparations,
        )
        self._show_numbers()

    def _require_purpose(self, development: bool | None) -> None:
        """Refuse to serve a directory that was made for another purpose (decision 0043)."""
        if development is None or development is self.hierarchy.development:
            return
        if self.hierarchy.development:
            raise Failure(
                f"`{self.directory}` is an installation for development: its keys and credentials"
                " may be known to everybody",
                "start it with --dev, or name another data directory",
            )
        raise Failure(
            f"`{self.directory}` is no installation for development, and cannot become one",
            "name an empty data directory: --dev makes an installation of its own there",
        )

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
        )

    def _signed(self) -> int:
        """How many records the newest checkpoint covers."""
        return self.trail.head.size if self.trail.head else 0

    def _calls(self) -> Mapping[str, OpenCall]:
        """The calls of each service, with the collaborators that its operations may touch."""
        principals = StoredPrincipals(self.identities, self.store.read())
        tokens = self.hierarchy.tokens
        accept = self.config.accept_unsupported_condition_keys
        return {
            "kms": partial(
                KmsCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                repository=self.keys,
                heard=self.heard,
                custody=self.custody,
                tokens=tokens,
                last_uses=self.last_uses,
                quotas=self.quotas,
                regions=frozenset(self.config.regions),
                accept_unsupported_condition_keys=accept,
            ),
            "iam": partial(
                IamCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                repository=self.identities,
                tokens=tokens,
                passwords=self.hierarchy.passwords,
                one_time_codes=self.hierarchy.one_time_codes,
                last_used=self.last_used,
                accept_unsupported_condition_keys=accept,
                allow_unscoped_trust=self.config.allow_unscoped_trust,
            ),
            "organizations": partial(
                OrganizationsCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                repository=self.identities,
                tokens=tokens,
                accept_unsupported_condition_keys=accept,
            ),
            "access-analyzer": partial(
                AnalyzerCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                tokens=tokens,
                accept_unsupported_condition_keys=accept,
            ),
            "cloudtrail": partial(
                TrailCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                tokens=tokens,
                digest_keys=self.digest_keys,
                log=self.trail.directory,
                tag=self.hierarchy.audit_tags,
                home=self.config.regions[0],
            ),
            "ec2": partial(
                NetworkCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                tokens=tokens,
                regions=frozenset(self.config.regions),
            ),
            "sts": partial(
                StsCall,
                principals=principals,
                guardrails=self.guardrails,
                enforcer=self.enforcer,
                authorization_messages=self.refusals,
                repository=self.identities,
                session_tokens=self.hierarchy.session_tokens,
                regions=frozenset(self.config.regions),
                one_time_codes=self.hierarchy.one_time_codes,
                provider_keys=self.provider_keys,
                outside=self.outside,
                accept_unsupported_condition_keys=accept,
            ),
        }

    def _calls_of_strangers(self, name: str, network: str, service: str) -> float:
        """How many calls of an operation without a signature a network may make in a second."""
        return calls_of_strangers(name, network, service) if self.quotas.counts_calls else inf

    def use_quotas(self, config: Config) -> None:
        """Take the quotas of settings that were read again; every account has all its calls."""
        self.quotas.use(config.quotas, requests=config.request_quotas)
        self.throttle.forget()
        self.strangers.forget()

    # durability

    def commit(self) -> None:
        """Make all changes of this turn durable: state first, then its records."""
        self.trail.commit()

    @property
    def failed(self) -> bool:
        """Can nothing be kept any more?"""
        return self.store.failure is not None or self.hierarchy.sums.failure is not None

    @property
    def trouble(self) -> str:
        """Why nothing can be kept now; "" while it can."""
        return self.trail.trouble or ("the store failed" if self.failed else "")

    # periodic work

    def jobs(self) -> list[Job]:
        """The periodic work of this installation."""
        return [
            Job("checkpoint", 1.0, self.trail.tick),
            Job("room", 1.0, self.look_for_room),
            Job("clock", 60.0, self.remember_time),
            Job("last used", 60.0, self.write_last_used),
            Job("credential reports", 0.25, self.continue_report),
            Job("accesses", 5.0, self.write_accesses),
            Job("refusals", 0.5, self.write_refusals),
            Job("counted refusals", 1.0, self.write_counted),
            Job(KEY_USES, 1.0, self.write_key_uses),
            Job("forget opened keys", 60.0, self.custody.expire),
            Job("removal of grants", 5.0, self.remove_doomed_grants),
            Job("purge", 60.0, self.purge),
            *(
                Job(
                    work.name,
                    60.0 if work.irreversible else 1.0,
                    partial(self.do_due, work, SLICE_SECONDS),
                )
                for work in DATED
            ),
        ]

    def remember_time(self) -> None:
        """Store the newest time, and how long irreversible work still waits."""
        known = self.clock.known()
        with self.store.write(quiet=True) as transaction:
            self.clocks.put(transaction, known)
        self.commit()

    def look_for_room(self) -> None:
        """While nothing can be stored, try again: a proxy may send callers elsewhere until then."""
        if not self.trouble or self.failed:
            return
        with suppress(StoreUnavailable):  # the turns that failed have told of it
            self.remember_time()  # a commit of the store, and a checkpoint in the log
            logs.info("changes can be stored again, and calls are served")

    def write_last_used(self) -> None:
        """Store the times at which access keys were last used."""
        self.last_used.flush(self.identities, self.store)
        self.commit()

    def _noting_since(self) -> datetime:
        """When this installation began to note the uses of keys: when it first had the job."""
        known = self.job_records.get(self.store.read(), KEY_USES)
        return self.clock.now() if known is None else from_microseconds(known.since_us)

    def _note_uses(self, events: Sequence[Event], event_ids: str, first: int) -> None:
        self.last_uses.note(events, event_ids, first)

    def write_key_uses(self, most: int = 50, *, at_once: bool = False) -> bool:
        """Store some of the last uses of keys, at once or if an hour is over; are there more?"""
        since_us = microseconds(self.last_uses.since)
        some = self.last_uses.due(self.clock.now(), most, at_once=at_once)
        if not some and self.job_records.get(self.store.read(), KEY_USES) is not None:
            return False
        with self.store.write(quiet=True) as transaction:
            self.job_records.add(transaction, KEY_USES, since_us)
            for use in some.values():
                self.keys.record_use(transaction, use)
        self.commit()
        return self.last_uses.written(some)

    def write_accesses(self, most: int = 50) -> None:
        """Store some of the last accesses of identities, and forget those of long ago."""
        if self.last_used.write_accesses(self.identities, self.store, most):
            with self.store.write(quiet=True) as transaction:
                self.identities.accesses.purge(transaction, seconds(self.clock.now()))
            self.commit()

    def continue_report(self) -> None:
        """Put the next users into a credential report that is being made."""
        if continue_report(self.identities, self.store, self.clock.now()):
            self.commit()

    def refused(self, reason: str) -> None:
        """Count bytes or a connection that never became a request, in metrics and log."""
        self.metrics.refused(reason)
        self.unknown.refused(reason)

    def write_counted(self) -> None:
        """Make a record of the refusals that were only counted."""
        for counted in (self.unknown, self.throttled):
            counted.write(new_request_id(), self.clock.now(), self.commit)

    def write_refusals(self) -> None:
        """Store the refusals that wait to be written."""
        self.refusals.write(self.store, self.commit, self.clock.now())

    def do_due(self, work: DatedWork, seconds: float = inf) -> bool:
        """Do the dated work that is due, for so many seconds; is there more?

        What cannot be undone is not done while the clock may be wrong (TM-4).
        """
        if self.agenda.holds(work):
            self._tell_of_jump()
            return False
        done = self.agenda.run(work, seconds)
        more = self.agenda.is_behind(work)
        if done and work.irreversible:
            self._to_purge = True
            if not more:
                self.purge()
        return more

    def destroy_due(self) -> None:
        """Destroy all keys whose deletion date has come."""
        self.do_due(DESTRUCTION)

    def expire_due(self) -> None:
        """Destroy all imported material that is expired."""
        self.do_due(EXPIRY)

    def _tell_of_jump(self) -> None:
        """Irreversible work waits. Tell of it now and then."""
        self.remember_time()
        self.metrics.alarm("clock jump")
        logs.warning(
            "the clock jumped ahead: no key and no key material is destroyed until it has been"
            " right for a day; if it is right, run `keystead clock acknowledge`"
        )

    def remove_doomed_grants(self) -> bool:
        """Remove some grants of a destroyed key that had many; may there be more?"""
        place = self.keys.grants.doomed(self.store.read())
        if place is not None:
            with self.store.write() as transaction:
                self.keys.grants.remove_doomed(transaction, place)
            self.commit()
        return place is not None

    def purge(self) -> None:
        """Remove every trace of destroyed material from the store's files, also of the last run."""
        if self._to_purge or self.custody.imports.to_purge:
            self.store.purge()
            self._to_purge = self.custody.imports.to_purge = False

    # for the operator

    def status(self) -> dict[str, Any]:
        """The condition of this installation, without secrets."""
        accounts = self.identities.accounts.every(self.store.read())
        return {
            "version": keystead.__version__,
            "condition": self.serving.word,
            **({"trouble": self.trouble} if self.trouble else {}),
            **({"development": True} if self.hierarchy.development else {}),
            "regions": list(self.config.regions),
            "accounts": [account.account for account in accounts],
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
        try:
            if not self.failed:
                try:
                    self.remember_time()
                    self.write_last_used()
                    while not self.last_uses.is_empty:
                        self.write_key_uses(1000, at_once=True)
                    self.write_accesses(MOST_ACCESSES)
                    self.refusals.write_all(self.store, self.commit, self.clock.now())
                    self.write_counted()
                finally:
                    self.trail.close()
        finally:
            self.store.close()
