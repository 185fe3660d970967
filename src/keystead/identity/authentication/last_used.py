"""When were access keys and roles last used?  Kept in memory, in the store from time to time.

A use is recorded when a request is authenticated, even if it is refused later (iam.md 2.12). No
decision depends on it, so it is written quietly and never per request. A crash loses at most the
uses since the last `flush`.
"""

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

_IDENTITIES = frozenset({PrincipalType.USER, PrincipalType.ASSUMED_ROLE})


class LastUsed:
    """The last uses that the store does not know yet."""

    __slots__ = ("_accesses", "_noted", "_roles")

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], tuple[datetime, str, str]] = {}
        self._roles: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._accesses: dict[tuple[str, str, str, str], tuple[datetime, str]] = {}

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

    def flush(self, repository: IdentityRepository, store: Store) -> None:
        """Write the uses that were noted; the server's job calls this."""
        if not (self._noted or self._roles):
            return
        with store.write(quiet=True) as transaction:
            for key, noted in self._noted.items():
                repository.access_keys.record_use(transaction, _record(key, noted))
            for (account, role_id), (now, region) in self._roles.items():
                use = RoleUse(
                    account=account, role_id=role_id, used=times.stored(now), region=region
                )
                repository.roles.record_use(transaction, use)
        self._noted.clear()
        self._roles.clear()

    def write_accesses(self, repository: IdentityRepository, store: Store, most: int) -> bool:
        """Write some of the noted accesses; False without any. The server's job calls this."""
        if not self._accesses:
            return False
        some = list(islice(self._accesses.items(), most))
        with store.write(quiet=True) as transaction:
            for (account, entity_id, service, action), (now, region) in some:
                for each in (A_SERVICE, action):
                    access = Access(
                        account=account, entity_id=entity_id, service=service, action=each,
                        used=times.stored(now), region=region,
                    )  # fmt: skip
                    repository.accesses.record(transaction, access)
        for key, _ in some:
            del self._accesses[key]
        return True


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
