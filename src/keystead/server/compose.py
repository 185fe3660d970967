"""How does it all fit together?  One installation: every room, opened and given to the others.

Nothing else in Keystead knows more than its own room: what one room needs of another arrives
here, as a constructor's argument. The clock is one of these arguments, so that a test can travel
in time.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import keystead
import keystead.identity.iam
import keystead.identity.sts
import keystead.kms.operations
from keystead.audit.sinks import FileSink
from keystead.audit.trail import Trail
from keystead.call import NoOrganization
from keystead.custody.files import make_directory, read_private
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material import Custody
from keystead.custody.root import FileSeal, PassphraseSeal, SealProvider, open_root
from keystead.identity.authenticate import Authenticator
from keystead.identity.calls import IamCall, StsCall
from keystead.identity.last_used import LastUsed
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository import IdentityRepository
from keystead.kms.call import KmsCall
from keystead.kms.deletion import destroy_due
from keystead.kms.repository import KeyRepository
from keystead.kms.rotation import rotate_due
from keystead.policy.enforce import disagreements
from keystead.server import logs
from keystead.server.clock import Clock, machine_clock, system_clock
from keystead.server.config import Config
from keystead.server.failures import Failure
from keystead.server.founding import AUDIT_DIRECTORY, STORE_FILE
from keystead.server.health import Condition
from keystead.server.jobs import Job
from keystead.server.metrics import Metrics
from keystead.server.pipeline import OpenCall, Pipeline, new_request_id
from keystead.store.lock import DirectoryLock
from keystead.store.sqlite import open_store

# Importing an operation registers it; these are all that there are.
OPERATIONS = (keystead.identity.iam, keystead.identity.sts, keystead.kms.operations)


def lock(directory: Path) -> DirectoryLock:
    """Make the directory if it is missing, and be its only user."""
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
            f"`{config.passphrase_file}` is not text in UTF-8", "write the passphrase into it"
        ) from None


def seal(config: Config) -> SealProvider:
    """The seal of an installation that is about to be made."""
    secret = passphrase(config) if config.seal == "passphrase" else None
    return FileSeal() if secret is None else PassphraseSeal(secret)


class Installation:
    """One data directory, open. It takes the directory's lock over, and `close` releases it."""

    def __init__(
        self,
        config: Config,
        held: DirectoryLock,
        *,
        wall: Callable[[], datetime] = system_clock,
        monotonic: Callable[[], float] = machine_clock,
    ) -> None:
        self.config = config
        self.directory = config.directory
        self.metrics = Metrics()
        self.condition = Condition()
        self.hierarchy = Hierarchy(open_root(self.directory, passphrase(config)))
        self.store = open_store(
            self.directory / STORE_FILE, self.hierarchy.store_key, lock=held, must_exist=True
        )
        self.trail = Trail(
            self.directory / AUDIT_DIRECTORY,
            self.store,
            self.hierarchy.audit_signer,
            sinks=tuple(FileSink(Path(file)) for file in (config.checkpoint_file,) if file),
            clock=wall,
        )
        head = self.trail.head
        mark = datetime.fromisoformat(head.time) if head else None
        self.clock = Clock(wall, monotonic, mark)
        self.custody = Custody(self.hierarchy)
        self.identities = IdentityRepository(self.hierarchy.rows)
        self.keys = KeyRepository(self.hierarchy.rows)
        self.last_used = LastUsed()
        self.pipeline = Pipeline(
            self.store,
            self.trail,
            Authenticator(self.identities, config.regions, self.last_used),
            self._calls(),
            self.clock,
            self.metrics,
        )
        self._show_numbers()

    def _show_numbers(self) -> None:
        gauge = self.metrics.gauge
        gauge("keystead_ready", "1 while it can serve.", lambda: self.condition.ready)
        gauge("keystead_epoch", "The number of the state.", lambda: self.store.epoch)
        gauge("keystead_audit_signed_records", "Records under the newest checkpoint.", self._signed)
        gauge(
            "keystead_policy_disagreements",
            "How often enforcement and evaluation differed; anything but 0 is a defect.",
            disagreements,
        )

    def _signed(self) -> int:
        """How many records the newest checkpoint covers."""
        return self.trail.head.size if self.trail.head else 0

    def _calls(self) -> Mapping[str, OpenCall]:
        """What each service's operations may touch."""
        principals = StoredPrincipals(self.identities, self.store.read())
        guardrails = NoOrganization()
        tokens = self.hierarchy.tokens
        accept = self.config.accept_unsupported_condition_keys
        return {
            "kms": partial(
                KmsCall,
                principals=principals,
                guardrails=guardrails,
                repository=self.keys,
                custody=self.custody,
                tokens=tokens,
                accept_unsupported_condition_keys=accept,
            ),
            "iam": partial(
                IamCall,
                principals=principals,
                guardrails=guardrails,
                repository=self.identities,
                tokens=tokens,
                last_used=self.last_used,
                accept_unsupported_condition_keys=accept,
            ),
            "sts": partial(StsCall, principals=principals, guardrails=guardrails),
        }

    # durability

    def commit(self) -> None:
        """Make everything of this turn durable: state first, then its records."""
        self.trail.commit()

    @property
    def failed(self) -> bool:
        """Can nothing be kept any more?"""
        return self.store.failure is not None or self.trail.failure is not None

    # what is done without being asked

    def jobs(self) -> list[Job]:
        """The periodic work of this installation."""
        return [
            Job("checkpoint", 1.0, self.trail.tick),
            Job("last used", 60.0, self.write_last_used),
            Job("forget opened keys", 60.0, self.custody.expire),
            Job("key destruction", 60.0, self.destroy_due),
            Job("key rotation", 60.0, self.rotate_due),
        ]

    def write_last_used(self) -> None:
        """Let the store know when access keys were last used."""
        self.last_used.flush(self.identities.access_keys, self.store)
        self.commit()

    def destroy_due(self) -> None:
        """Destroy the keys whose deletion date has come, unless the clock may be wrong (TM-4)."""
        if self.clock.holds_irreversible_work():
            self.metrics.alarm("clock jump")
            logs.warning("the clock jumped ahead: no key is destroyed for a day")
            return
        now = self.clock.now()
        with self.store.write() as transaction:
            for destroyed in destroy_due(transaction, self.keys, self.custody, now):
                self.trail.record(destroyed.event(new_request_id(), now))
        self.commit()

    def rotate_due(self) -> None:
        """Rotate the keys whose date has come."""
        now = self.clock.now()
        with self.store.write() as transaction:
            for rotated in rotate_due(transaction, self.keys, self.custody, now):
                self.trail.record(rotated.event(new_request_id(), now))
        self.commit()

    # for the operator

    def status(self) -> dict[str, Any]:
        """How it is, without anything secret."""
        accounts = self.identities.accounts.every(self.store.read())
        return {
            "version": keystead.__version__,
            "condition": self.condition.word,
            "regions": list(self.config.regions),
            "accounts": [account.account for account in accounts],
            "epoch": self.store.epoch,
            "audit_signed_records": self._signed(),
        }

    def close(self) -> None:
        """Make everything durable and let go of the directory."""
        try:
            if not self.failed:
                self.write_last_used()
                self.trail.close()
        finally:
            self.store.close()
