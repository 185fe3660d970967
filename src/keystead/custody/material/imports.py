"""Who may bring key material in, and take it away again?  Only a caller with a permit (KM-6).

The id of imported material is a fingerprint of the secret (`wrapping.ImportedIds`). So a key takes
again exactly the secret that it had, also after the secret's own row is gone. Which ids a key takes
is written in the rows of `kms`.
"""

from datetime import datetime
from typing import Protocol

import msgspec

from keystead.custody.backends import GivenSecret
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material.key import CustodyKey, WrongPermit
from keystead.custody.material.repository import MaterialRecord, Materials, place_of
from keystead.custody.material.verbs import VERBS, Verb
from keystead.custody.secrecy import Guarded
from keystead.custody.wrapping import ImportParameters, WrappingKey
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction, Value
from keystead.times import microseconds


class ImportingKey(CustodyKey, Protocol):
    """A key that takes imported material."""

    @property
    def arn_text(self) -> str:
        """Its ARN, which tells its Region too."""


class Imports(Guarded):
    """Takes material in, and removes it."""

    __slots__ = ("_ids", "_materials", "_seal", "_tokens", "to_purge")

    def __init__(self, hierarchy: Hierarchy, materials: Materials) -> None:
        self._seal = hierarchy.domain
        self._tokens = hierarchy.import_tokens
        self._ids = hierarchy.imported_ids
        self._materials = materials
        self.to_purge = False
        """Was a secret destroyed that may still stand in the store's log?"""

    def token(
        self, permit: Permit[ImportingKey], wrapping: WrappingKey, algorithm: str, valid_to_us: int
    ) -> bytes:
        """The import token of this wrapping key, for the permit's key."""
        key = _require(permit, Verb.WRAP)
        return self._tokens.seal(wrapping, algorithm, valid_to_us, _bound_to(key))

    def parameters(self, permit: Permit[ImportingKey], token: bytes) -> ImportParameters:
        """The content of an import token; raises InvalidToken unless it is this key's."""
        return self._tokens.unseal(token, _bound_to(_require(permit, Verb.IMPORT)))

    def material_id(self, permit: Permit[ImportingKey], secret: GivenSecret) -> str:
        """The id that this secret has as material of the permit's key."""
        key = _require(permit, Verb.IMPORT)
        return self._ids.of(key.account, key.key_id, secret)

    def add(
        self,
        transaction: Transaction,
        permit: Permit[ImportingKey],
        secret: GivenSecret,
        now: datetime,
    ) -> str:
        """Keep this secret as material of the permit's key; returns its id.

        It encrypts from now on only if the key names it already, or has no other yet.
        """
        key, material_id = permit.resource, self.material_id(permit, secret)
        every = self._materials.every(transaction, key.account, key.key_id)
        if any(each.material_id == material_id for each in every):
            return material_id  # the same secret, by its fingerprint
        record = MaterialRecord(
            account=key.account,
            key_id=key.key_id,
            material_id=material_id,
            generation=every[-1].generation + 1 if every else 1,
            key_spec=secret.key_spec,
            state="CURRENT" if key.material_id in ("", material_id) else "NON_CURRENT",
            created_us=microseconds(now),
            sealed=b"",
        )
        sealed = self._seal(key.account).seal(secret.reveal(), place_of(record))
        self._materials.insert(transaction, msgspec.structs.replace(record, sealed=sealed))
        return material_id

    def make_current(
        self, transaction: Transaction, permit: Permit[ImportingKey], material_id: str
    ) -> None:
        """Let imported material encrypt from now on; the former only decrypts."""
        key = _require(permit, Verb.ROTATE)
        for record in self._materials.every(transaction, key.account, key.key_id):
            state = "CURRENT" if record.material_id == material_id else "NON_CURRENT"
            if record.state != state:
                changed = msgspec.structs.replace(record, state=state)
                self._materials.update(transaction, changed)

    def remove(
        self, transaction: Transaction, permit: Permit[ImportingKey], material_id: str
    ) -> None:
        """Destroy the secret of one material; nothing happens when it is gone."""
        key = _require(permit, Verb.DELETE_IMPORTED, Verb.DESTROY)
        self.to_purge = True
        self._materials.delete(transaction, key.account, key.key_id, material_id)


def _require(permit: Permit[ImportingKey], *verbs: Verb) -> ImportingKey:
    """The key of a permit that is for one of these."""
    if VERBS.get(permit.action) not in verbs:
        raise WrongPermit(f"{permit.action} is not for {verbs[0].name}")
    return permit.resource


def _bound_to(key: ImportingKey) -> tuple[Value, ...]:
    return key.account, key.arn_text
