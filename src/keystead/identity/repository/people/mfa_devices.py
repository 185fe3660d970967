"""Virtual MFA devices: their sealed seeds, whose they are, and the codes that counted."""

from typing import ClassVar

import msgspec

from keystead.custody.proofs import CodeState
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.kinds import MFA_DEVICE, EntityKind
from keystead.identity.names import canonical
from keystead.identity.repository.entities import Entities, Entity
from keystead.store.protocol import Reader, Transaction

_OWNER, _ENABLING = ("account", "owner_id"), ("account", "enabling")
_DEVICE = ("account", "device_id")
_decode = msgspec.json.Decoder(tuple[int, ...]).decode
_ASSIGNED = {"Assigned": "AND owner_id IS NOT NULL", "Unassigned": "AND owner_id IS NULL"}


class MfaDevice(Entity, frozen=True, kw_only=True, gc=False):
    """One device. Its name includes its path, since both together are unique."""

    kind: ClassVar[EntityKind] = MFA_DEVICE

    account: str
    device_id: str
    name: str
    name_key: str
    path: str
    seed: bytes
    owner_id: str | None
    enabling: str | None
    enabled: int | None
    tags: str
    created: int


class MfaCode(Record, frozen=True, kw_only=True, gc=False):
    """The memory of a device (`custody.proofs.one_time_codes`)."""

    account: str
    device_id: str
    last_step: int
    drift: int
    wrong: str
    incarnation: str


class MfaDevices(Entities[MfaDevice]):
    """The devices of every account."""

    __slots__ = ("_codes", "_secrets")

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, MfaDevice, Lookup(_OWNER), Lookup(_ENABLING))
        self._codes = SealedTable(seals, "iam_mfa_code", MfaCode, _DEVICE, (Lookup(_DEVICE),))
        self._secrets = seals.secrets

    def of_owner(self, reader: Reader, account: str, owner_id: str) -> list[MfaDevice]:
        """The enabled devices of a user or of root, in the order in which they were enabled."""
        return self._table.of(reader, _OWNER, account, owner_id, order="enabled, device_id")

    def enabled_as(self, reader: Reader, account: str, enabling: str) -> MfaDevice | None:
        """The device that is enabled by this enabling still, or None."""
        return self._table.only(reader, _ENABLING, account, enabling)

    def listed_after(
        self, reader: Reader, account: str, name_key: str, status: str, limit: int
    ) -> list[MfaDevice]:
        """The next devices by name: all, or those that are Assigned or Unassigned."""
        return self._table.find(
            reader,
            f"account = ? AND name_key > ? {_ASSIGNED.get(status, '')} ORDER BY name_key LIMIT ?",
            (account, name_key, limit),
        )

    def in_use(self, reader: Reader, account: str) -> int:
        """How many devices are enabled."""
        sql = "SELECT COUNT(*) FROM iam_mfa_device WHERE account = ? AND owner_id IS NOT NULL"
        row = reader.one(sql, (account,))
        return row[0] if row else 0

    def delete(self, transaction: Transaction, record: MfaDevice) -> None:
        """Remove a device, with its seed and its memory."""
        super().delete(transaction, record)
        self._codes.delete(transaction, record.account, record.device_id)

    def seal(self, account: str, name: str, seed: bytes) -> bytes:
        """The seed as it is stored. A device never has another name."""
        return self._secrets.seal("iam_mfa_device", (account, canonical(name)), "seed", seed)

    def seed(self, record: MfaDevice) -> bytes:
        """The seed, to judge a code with."""
        key = (record.account, record.name_key)
        return self._secrets.unseal("iam_mfa_device", key, "seed", record.seed)

    def memory(self, reader: Reader, device: MfaDevice) -> CodeState:
        """What a device remembers."""
        known = self._codes.get(reader, device.account, device.device_id)
        if known is None:
            return CodeState()
        return CodeState(
            last_step=known.last_step,
            drift=known.drift,
            wrong=_decode(known.wrong),
            incarnation=known.incarnation,
        )

    def remember(self, transaction: Transaction, device: MfaDevice, state: CodeState) -> None:
        """Keep what a device remembers now."""
        key = (device.account, device.device_id)
        known = self._codes.get(transaction, *key)
        record = MfaCode(
            account=device.account,
            device_id=device.device_id,
            last_step=state.last_step,
            drift=state.drift,
            wrong=msgspec.json.encode(state.wrong).decode(),
            incarnation=state.incarnation,
        )
        if known is None:
            self._codes.insert(transaction, record)
        else:
            versioned = msgspec.structs.replace(record, row_version=known.row_version)
            self._codes.update(transaction, versioned)
