"""How do the rooms fit together?  Every room of one data directory, opened and given to the others.

Everything else in Keystead knows only its own room. If a room needs another, it gets it here, as a
constructor's argument. The clock is such an argument, so that a test can travel in time.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import inf
from pathlib import Path

from keystead.arns import partition_of, speak
from keystead.audit.counting import ThrottledCalls, UnknownCallers
from keystead.audit.log import FileSink
from keystead.audit.records import Event
from keystead.audit.trail import Trail
from keystead.call import Guardrails
from keystead.clock import Clock, machine_clock, system_clock
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material import Custody
from keystead.custody.seals import open_root
from keystead.custody.signing import digest_signer, instance_documents
from keystead.custody.state import open_sums
from keystead.failures import Failure
from keystead.identity.authentication import Authenticator, LastUsed
from keystead.identity.federation import DirectoryProof, Internet, KeyMemory, Network, Outside
from keystead.identity.permissions import StoredGuardrails
from keystead.identity.repository import IdentityRepository
from keystead.kms.heard import Heard
from keystead.kms.keys import KeyRepository, LastUses
from keystead.kms.managed_keys import ServiceKeys
from keystead.kms.schedule import DATED, DatedWork
from keystead.network import EndpointRepository, Entrances, Vpcs
from keystead.policy.enforcement import Enforcer
from keystead.quotas import Quotas
from keystead.refusals.memory import Refusals
from keystead.refusals.queue import Capacity
from keystead.refusals.repository import Bounds, RefusalRepository
from keystead.server.installation.clock_repository import ClockRepository
from keystead.server.installation.config import Config
from keystead.server.installation.founding import AUDIT_DIRECTORY, STORE_FILE
from keystead.server.installation.jobs import Agenda, JobRepository
from keystead.server.installation.making import KeyMaker
from keystead.server.installation.opening import passphrase
from keystead.server.installation.proofs_over import proofs_over
from keystead.server.installation.trying import Trials
from keystead.server.lane import Lane
from keystead.server.pipeline import Throttle, calls_of_strangers
from keystead.server.telemetry import Metrics
from keystead.store.lock import DirectoryLock
from keystead.store.sqlite import open_store
from keystead.times import from_microseconds
from keystead.trails import DigestKeys
from keystead.work import Preparations

KEY_USES = "key uses"
"""The job that writes the last uses of keys."""


class Rooms:
    """The rooms of one data directory. They take over the directory's lock.

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
        self.identities = IdentityRepository(
            self.hierarchy.rows, self.preparations, config.web_identities
        )
        self.ceilings = StoredGuardrails(self.identities, self.store.read())
        self.keys = KeyRepository(
            self.hierarchy.rows, self.preparations, material=self.custody.asks
        )
        self.endpoints = EndpointRepository(self.hierarchy.rows)
        self.vpcs = Vpcs(config.vpc_owners)
        self.entrances = Entrances(self.endpoints, self.preparations, self.vpcs)
        self.keys_of_services = ServiceKeys(self.keys, self.custody)
        self.digest_keys = DigestKeys(self.hierarchy.rows)
        self.digest_key_maker = KeyMaker("digest key", digest_signer.make)
        self.document_key_maker = KeyMaker(
            "document key", lambda: instance_documents.make(self.clock.now())
        )
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
            self._dated_works(), self.store, self.trail, self.clock, self.keys, self.custody,
            self.job_records, self.metrics,
        )  # fmt: skip
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
        self.trials: Trials[DirectoryProof] = Trials()
        self.authenticator = Authenticator(
            self.identities, self.hierarchy.session_tokens, config.regions, self.last_used
        )

    def _dated_works(self) -> tuple[DatedWork, ...]:
        """What waits for a date; of sign-ins where there is a console (`test_extras`)."""
        works = (*DATED, proofs_over(self.identities))
        if not self.config.console:
            return works
        from keystead.server.installation.sign_ins_over import sign_ins_over  # noqa: PLC0415  # as said

        return (*works, sign_ins_over(self.identities, self.config.regions[0]))

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

    def _noting_since(self) -> datetime:
        """When this installation began to note the uses of keys: when it first had the job."""
        known = self.job_records.get(self.store.read(), KEY_USES)
        return self.clock.now() if known is None else from_microseconds(known.since_us)

    def _note_uses(self, events: Sequence[Event], event_ids: str, first: int) -> None:
        self.last_uses.note(events, event_ids, first)

    def _calls_of_strangers(self, name: str, network: str, service: str) -> float:
        """How many calls of an operation without a signature a network may make in a second."""
        return calls_of_strangers(name, network, service) if self.quotas.counts_calls else inf

    def use(self, config: Config) -> None:
        """Take settings that were read again. Every account has all its calls then."""
        self.vpcs.use(config.vpc_owners)
        self.outside.reachable = config.reachable
        self.store.distrust()  # no cached value outlives a changed setting
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
