"""How are keys, their policies and aliases stored and found?

A request finds all rows by their primary keys or lookups. A view of a key is kept until one of the
lookups that it came from is announced.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from keystead.arns import kms_arn
from keystead.caches import KIB, MIB, Room
from keystead.custody.rows import Asked, Lookup, RowIntegrityError, RowSeals, SealedTable
from keystead.kms.ciphertext import KeyName
from keystead.kms.grants import GrantRepository
from keystead.kms.keys.generations import Generations
from keystead.kms.keys.granted import GrantedKeys
from keystead.kms.keys.imports import ImportRepository
from keystead.kms.keys.key import Key, cost, header_of, key_view
from keystead.kms.keys.policies import DEFAULT_POLICY, KeyPolicies
from keystead.kms.keys.public_keys import PublicKeys
from keystead.kms.keys.records import (
    AliasRecord,
    ImportedMaterial,
    KeyCount,
    KeyRecord,
    MaterialRecord,
    Place,
)
from keystead.kms.keys.related import RelatedKeys, RelatedTable, Relation
from keystead.kms.keys.tombstones import Tombstones
from keystead.kms.keys.uses import KeyUse, KeyUses
from keystead.policy.evaluation import PolicySource
from keystead.store.cache import NamedCache, Noting
from keystead.store.protocol import Reader, Transaction, Value
from keystead.times import microseconds
from keystead.wire.models import kms as api
from keystead.work import Preparations

_KEY = ("account", "region", "key_id")
_ALIAS = ("account", "region", "name")
_COUNT = ("account", "region")

NAMED = Room(of_owner=8 * MIB, in_all=96 * MIB)
"""For keys by the texts of callers; with their policies."""
KNOWN = Room(of_owner=4 * MIB, in_all=48 * MIB)
"""For keys by their ids. Less: they are looked for when no text of a caller leads to the key."""
NOBODYS = Room(of_owner=256 * KIB, in_all=4 * MIB)
"""Separate and small, so that invented names displace no key."""


class KeyRepository:
    """The tables of this room."""

    def __init__(
        self,
        seals: RowSeals,
        preparations: Preparations | None = None,
        material: Callable[[str, str], Asked] | None = None,
    ) -> None:
        """`material` says what custody will ask for the material of an account's key."""
        self._seals = seals
        self._material = material
        self.preparations = preparations or Preparations()
        of_key = (Lookup(_KEY),)
        aliases = (Lookup(_ALIAS), Lookup(_KEY))
        self._keys = SealedTable(seals, "kms_keys", KeyRecord, _KEY, of_key)
        self._aliases = SealedTable(seals, "kms_aliases", AliasRecord, _ALIAS, aliases)
        self.policies = KeyPolicies(seals, self.preparations)
        self.generations = Generations(seals)
        self.public_keys = PublicKeys(seals)
        self.tombstones = Tombstones(seals)
        self.related = RelatedTable(seals)
        self.imports = ImportRepository(seals)
        self._counts = SealedTable(seals, "kms_key_counts", KeyCount, _COUNT, (Lookup(_COUNT),))
        self._uses = KeyUses(seals)
        self.grants = GrantRepository(seals)
        self.granted = GrantedKeys(self.grants, self.key)
        self._known: NamedCache[tuple[str, str, str], Key] = NamedCache(KNOWN)
        self.named: NamedCache[tuple[str, str, str], Key] = NamedCache(NAMED)
        """Keys by the texts that name them: (account of the caller, Region, text)."""
        self.nobodys: NamedCache[tuple[str, str, str], Key] = NamedCache(NOBODYS)
        """Keys of strangers that do not exist: refused as quickly as those that do (KM-2)."""

    # Finding

    def key(self, reader: Reader, account: str, region: str, key_id: str) -> Key | None:
        """The key with this id."""
        row_key = (account, region, key_id)
        if (known := self._known.get(reader, row_key)) is not None:
            return known
        noting = Noting(reader)
        self._read_ahead(noting, row_key)
        record = self._keys.get(noting, *row_key)
        if record is None:
            return None
        key = self._view(noting, record)
        return self._known.put(noting, row_key, key, account, *cost(key))

    def _read_ahead(self, reader: Reader, place: Place) -> None:
        """Read everything that belongs to a key with one statement, what it has none of included.

        What is not in it: a policy that no key had lately, the primary of a replica, and the grants
        of the caller who asks.
        """
        account, _, key_id = place
        asked = [
            self._keys.asks(_KEY, *place),
            self._aliases.asks(_KEY, *place),
            self.imports.asks(place),
            self.grants.asks_any(place),
        ]
        if KeyName(*place).multi_region:
            asked.append(self.related.asks(account, key_id))
        if self._material is not None:
            asked.append(self._material(account, key_id))
        self._seals.read_ahead(reader, asked)

    def row(self, reader: Reader, account: str, region: str, key_id: str) -> KeyRecord | None:
        """The row of the key with this id."""
        return self._keys.get(reader, account, region, key_id)

    def keep_named(self, noting: Noting, name: tuple[str, str, str], key: Key) -> None:
        """Keep the key that a caller names: `name` is the caller's account, Region, and text."""
        cache = self.named if key.exists else self.nobodys
        own, parts = cost(key)
        cache.put(noting, name, key, name[0], own + len(name[2]), parts)

    @property
    def kept_bytes(self) -> int:
        """The cost of keys and their policies in memory, in bytes."""
        views = (self._known, self.named, self.nobodys)
        of_keys = sum(each.kept.cost for each in views)
        return self.policies.kept_bytes + of_keys + self.granted.kept_bytes

    def key_by_alias(self, reader: Reader, account: str, region: str, name: str) -> Key | None:
        """The key that this alias (`alias/…`) names, as a request sees it that names the alias."""
        alias = self.alias(reader, account, region, name)
        key = alias and self.key(reader, account, region, alias.key_id)
        return key.requested_by(name) if key else None

    def _view(self, noting: Noting, record: KeyRecord) -> Key:
        row_key = (record.account, record.region, record.key_id)
        names = tuple(alias.name for alias in self.aliases_of(noting, record))
        imported = tuple(self.imports.of(noting, row_key)) if record.origin == "EXTERNAL" else ()
        key = key_view(record, names, (), self.relation(noting, record), imported)
        policy = PolicySource(self.policies.of(noting, record), DEFAULT_POLICY, key.arn_text)
        return msgspec.structs.replace(
            key,
            resource_policies=(policy,),
            is_granted=self.grants.has_any(noting, row_key),
            header=header_of(key),
            row_name=self._keys.name_of(_KEY, *row_key),
        )

    def relation(self, reader: Reader, record: KeyRecord) -> Relation | None:
        """The set of a multi-Region key; None of another key."""
        if not record.multi_region:
            return None
        account, key_id = record.account, record.key_id
        return self.related.relation(
            reader, record, lambda region: self.row(reader, account, region, key_id)
        )

    def alias(self, reader: Reader, account: str, region: str, name: str) -> AliasRecord | None:
        """The alias with this name."""
        self._seals.read_ahead(reader, [self._aliases.asks(_ALIAS, account, region, name)])
        return self._aliases.get(reader, account, region, name)

    def aliases_of(self, reader: Reader, key: KeyRecord) -> list[AliasRecord]:
        """The aliases of a key, by name; the quota keeps them few."""
        row_key = (key.account, key.region, key.key_id)
        return self._aliases.of(reader, _KEY, *row_key, order="name")

    def aliases_after(
        self, reader: Reader, account: str, region: str, name: str, count: int
    ) -> list[AliasRecord]:
        """The next aliases of an account, by name."""
        return self._aliases.find(
            reader,
            "account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
            (account, region, name, count),
        )

    def keys_after(
        self, reader: Reader, account: str, region: str, key_id: str, count: int
    ) -> list[KeyRecord]:
        """The next keys of an account, by id."""
        return self._keys.find(
            reader,
            "account = ? AND region = ? AND key_id > ? ORDER BY key_id LIMIT ?",
            (account, region, key_id, count),
        )

    def materials(self, reader: Reader, key: KeyRecord) -> list[MaterialRecord]:
        """Every generation of a key's material, oldest first."""
        return self.generations.of(reader, key)

    def last_use(self, reader: Reader, key: KeyRecord) -> KeyUse | None:
        """The last use of a key that was written."""
        return self._uses.get(reader, (key.account, key.region, key.key_id))

    def is_free(self, transaction: Transaction, account: str, region: str, key_id: str) -> bool:
        """Was this id never given to a key?"""
        place = (account, region, key_id)
        return self._keys.has_none(transaction, _KEY, *place) and self.tombstones.has_none(
            transaction, place
        )

    def counted(self, reader: Reader, account: str, region: str) -> KeyCount | None:
        """How many keys the account has in the Region, in any state; None: it never had one."""
        return self._counts.get(reader, account, region)

    def due(
        self, reader: Reader, place: Place, is_due: Callable[[KeyRecord, int], bool], now: datetime
    ) -> KeyRecord:
        """The key that an index found due; raises RowIntegrityError unless its row says so too."""
        record = self._keys.get(reader, *place)
        if record is None or not is_due(record, microseconds(now)):
            raise RowIntegrityError("kms_keys", place)
        return record

    # Changing

    def add_key(
        self,
        transaction: Transaction,
        key: KeyRecord,
        text: str,
        principals: Mapping[str, str],
        counted: KeyCount | None,
    ) -> None:
        """Remember a new key, its policy, and its first material if it has any.

        `counted` are the keys so far.
        """
        self._add(transaction, key, text, principals, counted)
        if key.multi_region:
            self.related.begin(transaction, key)
        if key.material_id:
            self.generations.add(transaction, key, key.material_id)

    def add_replica(
        self,
        transaction: Transaction,
        replica: KeyRecord,
        text: str,
        principals: Mapping[str, str],
        counted: KeyCount | None,
        *,
        imported: Sequence[ImportedMaterial] = (),
    ) -> None:
        """Remember a replica and its policy. Its material is the set's.

        It waits for every material that was `imported` into the primary.
        Raises KMSInvalidStateException while a replica that was here before has many grants.
        """
        place = (replica.account, replica.region, replica.key_id)
        if not self.grants.finish(transaction, place):
            arn = kms_arn(replica.region, replica.account, f"key/{replica.key_id}")
            raise api.KMSInvalidStateException(f"{arn} is pending deletion.")
        self._add(transaction, replica, text, principals, counted)
        self.related.join(transaction, replica)
        for material in imported:
            self.imports.await_in(transaction, replica.region, material)

    def _add(
        self,
        transaction: Transaction,
        key: KeyRecord,
        text: str,
        principals: Mapping[str, str],
        counted: KeyCount | None,
    ) -> None:
        self._keys.insert(transaction, key)
        self.policies.add(transaction, key, text, principals)
        if key.manager != "AWS":  # AWS managed keys count against no quota (kms.md 19.2)
            self._count(transaction, key, counted, 1)

    def _count(
        self, transaction: Transaction, key: KeyRecord, count: KeyCount | None, change: int
    ) -> None:
        if count is None:
            first = KeyCount(account=key.account, region=key.region, keys=change)
            self._counts.insert(transaction, first)
        else:
            changed = msgspec.structs.replace(count, keys=count.keys + change)
            self._counts.update(transaction, changed)

    def change_key(self, transaction: Transaction, key: KeyRecord, **changes: Value) -> KeyRecord:
        """Change columns of a key; returns the new record."""
        return self._keys.update(transaction, msgspec.structs.replace(key, **changes))

    def change_policy(
        self,
        transaction: Transaction,
        key: KeyRecord,
        policy_id: str,
        text: str,
        principals: Mapping[str, str],
    ) -> None:
        """Replace the key policy."""
        changed = self.change_key(transaction, key, policy_id=policy_id)
        self.policies.add(transaction, changed, text, principals)
        self.policies.release(transaction, key)

    def move_policy(self, transaction: Transaction, place: Place) -> None:
        """Store a key's policy with equal ones, if a version before stored it for the key alone."""
        record = self._keys.get(transaction, *place)
        if record is None:
            raise RowIntegrityError("kms_keys", place)
        self.policies.move(transaction, record)

    def add_material(
        self,
        transaction: Transaction,
        key: KeyRecord,
        material_id: str,
        rotation_type: api.RotationType,
        now_us: int,
    ) -> KeyRecord:
        """Remember another generation of material, which encrypts from now on."""
        self.generations.add(transaction, key, material_id, now_us, rotation_type)
        return self.change_key(transaction, key, material_id=material_id)

    def add_first_material(
        self, transaction: Transaction, key: KeyRecord, material_id: str
    ) -> KeyRecord:
        """Remember the first material of a key that was made without one."""
        self.generations.add(transaction, key, material_id)
        return self.change_key(transaction, key, material_id=material_id)

    def record_use(self, transaction: Transaction, use: KeyUse) -> None:
        """Remember the last use of a key, unless it was destroyed meanwhile."""
        if self._keys.get(transaction, use.account, use.region, use.key_id) is not None:
            self._uses.put(transaction, use)

    def add_alias(self, transaction: Transaction, alias: AliasRecord) -> None:
        """Remember a new alias."""
        self._aliases.insert(transaction, alias)

    def move_alias(
        self, transaction: Transaction, alias: AliasRecord, key_id: str, now_us: int
    ) -> None:
        """Let the alias name another key."""
        moved = msgspec.structs.replace(alias, key_id=key_id, updated_us=now_us)
        self._aliases.update(transaction, moved)

    def remove_alias(self, transaction: Transaction, alias: AliasRecord) -> None:
        """Forget an alias."""
        self._aliases.delete(transaction, alias.account, alias.region, alias.name)

    def destroy_key(self, transaction: Transaction, key: KeyRecord) -> RelatedKeys | None:
        """Forget the key and everything that belongs to it. Its tombstone is the caller's.

        What belongs to a set's material goes with its last member. Returns the set that is left.
        """
        left = self.related.leave(transaction, key) if key.multi_region else None
        if left is None:
            self.generations.forget(transaction, key)
            self.public_keys.forget(transaction, key)
        for alias in self.aliases_of(transaction, key):
            self.remove_alias(transaction, alias)
        row_key = (key.account, key.region, key.key_id)
        self.grants.doom(transaction, row_key)
        self.imports.forget(transaction, key)
        self.policies.release(transaction, key)
        self._keys.delete(transaction, *row_key)
        self._uses.forget(transaction, row_key)
        self._count(transaction, key, self.counted(transaction, key.account, key.region), -1)
        return left
