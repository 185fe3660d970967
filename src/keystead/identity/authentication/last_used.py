"""When were access keys and roles last used?  Kept in memory, in the store from time to time.

A use is recorded when a request is authenticated, even if it is refused later (iam.md 2.12). No
decision depends on it, so it is written quietly and never per request. A crash loses at most the
uses since the last `flush`. A use is forgotten here when it is durable there: a full disk loses
none.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import islice

from keystead.identity import times
from keystead.identity.repository import (
    A_SERVICE,
    Access,
    AccessKeys,
    AccessKeyUse,
    IdentityRepository,
    RoleUse,
)
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.registry import implementation
from keystead.store.protocol import Reader, Store

MOST_ACCESSES = 20_000
"""Accesses that wait to be written, of some 300 bytes each. A new one without room is lost."""

MOST_AT_ONCE = 50
"""Uses that one step of the job writes: they take a millisecond."""

_IDENTITIES = frozenset({PrincipalType.USER, PrincipalType.ASSUMED_ROLE})


class LastUsed:
    """The last uses that the store does not know yet."""

    __slots__ = ("_accesses", "_due", "_noted", "_roles")

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], tuple[datetime, str, str]] = {}
        self._roles: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._accesses: dict[tuple[str, str, str, str], tuple[datetime, str]] = {}
        self._due: list[tuple[str, str]] = []  # keys and roles that this round has yet to write

    def note(
        self, account: str, access_key_id: str, now: datetime, region: str, service: str
    ) -> None:
        """A request was authenticated with this key."""
        self._noted[account, access_key_id] = (now, region, service)

    def note_role(self, account: str, role_id: str, now: datetime, region: str) -> None:
        """A request was authenticated with credentials of a session of this role."""
        self._roles[account, role_id] = (now, region)

    def note_access(
        self, principal: Principal, service: str, operation: str, now: datetime, region: str
    ) -> None:
        """A principal called an operation. Only those of users and roles are kept."""
        key = (principal.account, principal.unique_id, service, operation)
        accesses = self._accesses
        if key in accesses or (
            len(accesses) < MOST_ACCESSES
            and principal.type in _IDENTITIES
            and implementation(service, operation) is not None
        ):
            accesses[key] = (now, region)

    def of(
        self, keys: AccessKeys, reader: Reader, account: str, access_key_id: str
    ) -> AccessKeyUse | None:
        """The last use of a key, or None when it was never used."""
        noted = self._noted.get((account, access_key_id))
        if noted is None:
            return keys.last_use(reader, account, access_key_id)
        return _record((account, access_key_id), noted)

    @property
    def is_empty(self) -> bool:
        """Is every use of a key or role written that was noted?"""
        return not (self._noted or self._roles)

    def flush(
        self,
        repository: IdentityRepository,
        store: Store,
        commit: Callable[[], None],
        most: int = MOST_AT_ONCE,
    ) -> bool:
        """Write some of the uses that were noted when the round began; has it more of them?

        The server's job calls this. Ten thousand at once would hold the loop for a sixth of a
        second. A use that is noted meanwhile makes the round no longer: it is written in its place,
        or in the next round.
        """
        if not self._due:
            self._due = [*self._noted, *self._roles]
        some, self._due = self._due[:most], self._due[most:]
        if not some:
            return False
        with store.write(quiet=True) as transaction:
            for key in some:
                if (noted := self._noted.get(key)) is not None:
                    repository.access_keys.record_use(transaction, _record(key, noted))
                elif (used := self._roles.get(key)) is not None:
                    repository.roles.record_use(transaction, _role_use(key, used))
        commit()
        for key in some:
            self._noted.pop(key, None)
            self._roles.pop(key, None)
        return bool(self._due)

    def write_accesses(
        self,
        repository: IdentityRepository,
        store: Store,
        commit: Callable[[], None],
        now: datetime,
        most: int,
    ) -> None:
        """Write some of the noted accesses, if there are any, and remove those of long ago.

        The server's job calls this.
        """
        if not self._accesses:
            return
        some = list(islice(self._accesses.items(), most))
        with store.write(quiet=True) as transaction:
            for (account, entity_id, service, action), (used, region) in some:
                for each in (A_SERVICE, action):
                    access = Access(
                        account=account, entity_id=entity_id, service=service, action=each,
                        used=times.stored(used), region=region,
                    )  # fmt: skip
                    repository.accesses.record(transaction, access)
            repository.accesses.purge(transaction, times.stored(now))
        commit()
        for key, _ in some:
            del self._accesses[key]


def _role_use(key: tuple[str, str], used: tuple[datetime, str]) -> RoleUse:
    (account, role_id), (now, region) = key, used
    return RoleUse(account=account, role_id=role_id, used=times.stored(now), region=region)


def _record(key: tuple[str, str], noted: tuple[datetime, str, str]) -> AccessKeyUse:
    account, access_key_id = key
    now, region, service = noted
    return AccessKeyUse(
        account=account,
        access_key_id=access_key_id,
        used=times.stored(now),
        region=region,
        service=service,
    )
