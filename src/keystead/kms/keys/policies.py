"""How are key policies stored, and what do they mean?  Equal ones once in each account.

Most keys of an account have the same policy. A policy is found by the hash of its text and of the
principals that it meant. This hash stands in the row of each key that has the policy, and the row
is proved. So nothing else can be found under the hash, and no write changes what is found there.

The account is a part of the place. So no account's policy is ever found by another account's text,
however equal, and no call takes longer or shorter for what another account has.

A row beside the text counts the keys that have it. The text goes with the last of them.

Versions before stored a policy for each key. Those rows are read as they are, until the key gets
another policy, is destroyed, or a job has moved its policy here. A key with a row of its own is not
counted.

INVARIANT: a text is there exactly if its count is. The count is the number of keys with this hash
that have no row of their own.
"""

import logging
from collections.abc import Mapping

import msgspec

from keystead.caches import MIB, BoundedCache, Room
from keystead.custody.rows import Lookup, Record, RowIntegrityError, RowSeals, SealedTable
from keystead.kms.keys.records import KeyRecord, Place
from keystead.policy.language import DocumentKind, Policy, stored_policy
from keystead.store.protocol import Reader, Transaction
from keystead.work import Preparations

DEFAULT_POLICY = "default"

POLICIES = Room(of_owner=6 * MIB, in_all=64 * MIB)

_ID = ("account", "policy_id")
_OWN = ("account", "region", "key_id", "name")

_log = logging.getLogger(__name__)
_read_members = msgspec.json.Decoder(dict[str, str]).decode


class PolicyText(Record, frozen=True, kw_only=True, gc=False):
    """A policy of some keys: the text as it was written, and the ids that its principals meant."""

    account: str
    policy_id: str
    text: str
    principals: str  # JSON object: principal as written -> unique id


class PolicyUses(Record, frozen=True, kw_only=True, gc=False):
    """How many keys have a policy."""

    account: str
    policy_id: str
    keys: int


class OwnPolicy(Record, frozen=True, kw_only=True, gc=False):
    """The policy of one key, as versions before stored it."""

    account: str
    region: str
    key_id: str
    name: str  # "default"
    text: str
    principals: str


class StoredPolicy(msgspec.Struct, frozen=True):
    """A key policy as it was written."""

    text: str
    meant: dict[str, str]
    """The unique ids that its principals meant when it was written, by their names."""


class KeyPolicies:
    """The policies of all keys."""

    __slots__ = ("_compiled", "_own", "_preparations", "_seals", "_texts", "_uses")

    def __init__(self, seals: RowSeals, preparations: Preparations) -> None:
        self._seals = seals
        by_id = (Lookup(_ID),)
        self._texts = SealedTable(seals, "kms_policy_texts", PolicyText, _ID, by_id)
        self._uses = SealedTable(seals, "kms_policy_uses", PolicyUses, _ID, by_id)
        own = (Lookup(_OWN, near="key_id"),)
        self._own = SealedTable(seals, "kms_key_policies", OwnPolicy, _OWN, own)
        self._preparations = preparations
        self._compiled: BoundedCache[tuple[str, str], Policy] = BoundedCache(POLICIES)

    @property
    def kept_bytes(self) -> int:
        """The cost, in bytes, of the policies in memory."""
        return self._compiled.cost

    # Finding

    def stored(self, reader: Reader, key: KeyRecord) -> StoredPolicy:
        """The policy of a key as it was written. Every key has one."""
        by_id, own = (key.account, key.policy_id), _own_place(key)
        self._seals.read_ahead(reader, [self._texts.asks(_ID, *by_id), self._own.asks(_OWN, *own)])
        row: PolicyText | OwnPolicy | None
        row = self._texts.get(reader, *by_id) or self._own.get(reader, *own)
        if row is None:
            raise RowIntegrityError("kms_policy_texts", by_id)
        return StoredPolicy(row.text, _read_members(row.principals))

    def of(self, reader: Reader, key: KeyRecord) -> Policy:
        """What the policy of a key means; raises RowIntegrityError for another key's policy."""
        known = self._compiled.get((key.account, key.policy_id))
        if known is not None:
            return known
        stored = self.stored(reader, key)
        text, meant = stored.text, stored.meant
        policy = self._preparations.make(
            len(text), (text, meant), stored_policy, text, DocumentKind.KEY, meant
        )
        if policy.broken:
            _log.error("key policy of %s denies everything: %s", key.key_id, policy.broken)
        elif policy.id != key.policy_id:
            raise RowIntegrityError("kms_policy_texts", (key.account, key.policy_id))
        return self._compiled.put((key.account, key.policy_id), policy, key.account, policy.weight)

    def compiled(self, account: str, policy_id: str) -> Policy | None:
        """The policy with this id, if a key of the account had it lately."""
        return self._compiled.get((account, policy_id))

    def keep_compiled(self, account: str, policy: Policy) -> None:
        """Keep what a policy that was just accepted means."""
        self._compiled.put((account, policy.id), policy, account, policy.weight)

    # Changing

    def add(
        self, transaction: Transaction, key: KeyRecord, text: str, principals: Mapping[str, str]
    ) -> None:
        """Remember that a key has this policy, with the id in its record."""
        self._add(transaction, key, text, msgspec.json.encode(principals).decode())

    def _add(self, transaction: Transaction, key: KeyRecord, text: str, principals: str) -> None:
        account, policy_id = key.account, key.policy_id
        uses = self._uses.get(transaction, account, policy_id)
        if uses is None:
            self._texts.insert(
                transaction,
                PolicyText(account=account, policy_id=policy_id, text=text, principals=principals),
            )
            self._uses.insert(transaction, PolicyUses(account=account, policy_id=policy_id, keys=1))
        else:
            self._uses.update(transaction, msgspec.structs.replace(uses, keys=uses.keys + 1))

    def release(self, transaction: Transaction, key: KeyRecord) -> None:
        """Forget that a key has the policy with the id in its record."""
        own = _own_place(key)
        if not self._own.has_none(transaction, _OWN, *own):
            self._own.delete(transaction, *own)
            return
        account, policy_id = key.account, key.policy_id
        uses = self._uses.get(transaction, account, policy_id)
        if uses is None:
            raise RowIntegrityError("kms_policy_uses", (account, policy_id))
        if uses.keys > 1:
            self._uses.update(transaction, msgspec.structs.replace(uses, keys=uses.keys - 1))
            return
        self._uses.delete(transaction, account, policy_id)
        self._texts.delete(transaction, account, policy_id)

    # Moving what versions before stored

    def to_move(self, reader: Reader, after: Place, count: int) -> list[Place]:
        """The next keys that have a policy row of their own, as an index says."""
        places: list[Place] = reader.all(
            "SELECT account, region, key_id FROM kms_key_policies"
            " WHERE (account, region, key_id) > (?, ?, ?)"
            " ORDER BY account, region, key_id LIMIT ?",
            (*after, count),
        )
        return places

    def move(self, transaction: Transaction, key: KeyRecord) -> None:
        """Store the policy of a key with equal ones, if it has a row of its own."""
        own = self._own.get(transaction, *_own_place(key))
        if own is not None:
            self.release(transaction, key)
            self._add(transaction, key, own.text, own.principals)


def _own_place(key: KeyRecord) -> tuple[str, str, str, str]:
    return key.account, key.region, key.key_id, DEFAULT_POLICY
