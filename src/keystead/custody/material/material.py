"""Who may use key material, and for which actions?  Material is opened here alone, for a permit.

A permit is for one action on one resource. Custody reads the key from the permit and opens exactly
the material that is named, if the action of the permit may do this with it (`verbs`): a permit to
describe a key does not decrypt with it. The caller has checked the state of the key (threat-model
KM-3).

The verbs of symmetric keys are done at once. The others are returned as work: the opened material,
a verb of its family, and values. `work.result` does it at once if it is quick, and otherwise lets
the slow lane do it. Then the second run of the operation comes here again with a permit of its own.
Material that work has opened ends with the work.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from keystead.caches import Room
from keystead.custody.backends import (
    Backend,
    BadCiphertext,
    KeyPair,
    OpenMaterial,
    Sealed,
    Secret,
    Verb,
    software,
)
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material.cache import ROOM, OpenedMaterials, Which
from keystead.custody.material.imports import Imports
from keystead.custody.material.key import CustodyKey, Owned, WrongPermit
from keystead.custody.material.repository import MaterialRecord, Materials, place_of
from keystead.custody.material.tombstones import Told, Tombstone, sign
from keystead.custody.material.verbs import VERBS
from keystead.custody.randomness import urandom
from keystead.custody.rows import Asked, BadRecord, RowIntegrityError
from keystead.custody.secrecy import Guarded
from keystead.policy.evaluation import Permit
from keystead.store.cache import Noting
from keystead.store.changes import Name
from keystead.store.protocol import Reader, Transaction
from keystead.times import microseconds
from keystead.work import PROCESSOR, QUICK, MadeWith, Work, digest

__all__ = [
    "BadCiphertext", "Custody", "CustodyKey", "KeyPair", "MaterialMissing", "Sealed", "Secret",
    "WrongPermit",
]  # fmt: skip

R = TypeVar("R")

_ENCRYPT, _DECRYPT = Verb.ENCRYPT, Verb.DECRYPT  # to find a member of an Enum takes 80 ns
_AT_ONCE = MadeWith()  # quick work is done by the run that leaves it


class MaterialMissing(Exception):
    """The key's current material is not there: the rows of key and material disagree."""


class Custody(Guarded):
    """Creates, uses and destroys the material of keys."""

    __slots__ = ("_backend", "_hierarchy", "_materials", "_opened", "imports")

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        backend: Backend = software,
        room: Room = ROOM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hierarchy = hierarchy
        self._backend = backend
        self._materials = Materials(hierarchy.rows)
        self._opened = OpenedMaterials(room, clock)
        self.imports = Imports(hierarchy, self._materials)

    @property
    def kept_bytes(self) -> int:
        """The cost, in bytes, of opened material and of the domains of accounts."""
        return self._opened.kept_bytes + self._hierarchy.kept_bytes

    def generate(self, permit: Permit[object], spec: str) -> Work[Secret]:  # noqa: ARG002  # the proof
        """A new secret for material of this spec."""
        seconds = self._backend.seconds_to_generate(spec)
        made_with = _AT_ONCE if seconds <= QUICK else MadeWith(input=digest(b"new", spec.encode()))
        return Work(PROCESSOR, seconds, made_with, self._backend.generate, (spec,))

    def asks(self, account: str, key_id: str) -> Asked:
        """What the first use of a key's material is going to ask of the store."""
        return self._materials.asks(account, key_id)

    def has(self, spec: str) -> bool:
        """Can material of this spec be had in this installation?"""
        return self._backend.has(spec)

    def key_pair(self, permit: Permit[CustodyKey], spec: str) -> Work[KeyPair]:
        """A new key pair for use elsewhere, whose private key this key will encrypt."""
        _require(permit, Verb.ENCRYPT)
        key, seconds = permit.resource, self._backend.seconds_to_generate(spec)
        made_with = (
            _AT_ONCE if seconds <= QUICK else _made_with(permit, key.material_id, b"pair", spec)
        )
        return Work(PROCESSOR, seconds, made_with, self._backend.key_pair, (spec,))

    def create_material(
        self,
        transaction: Transaction,
        permit: Permit[Owned],
        account: str,
        key_id: str,
        now: datetime,
        *,
        key_spec: str,
        secret: Secret,
    ) -> str:
        """Give a key new material with this secret, which is used from now on; returns its id.

        The permit is for creating a key in the account, or for rotating this key.
        """
        former = self._materials.newest(transaction, account, key_id)
        _require_creating(permit, account, key_id, new=former is None)
        if former is not None:
            retired = msgspec.structs.replace(former, state="NON_CURRENT")
            self._materials.update(transaction, retired)
        record = MaterialRecord(
            account=account,
            key_id=key_id,
            material_id=urandom(32).hex(),
            generation=1 if former is None else former.generation + 1,
            key_spec=key_spec,
            state="CURRENT",
            created_us=microseconds(now),
            sealed=b"",
        )
        domain = self._hierarchy.domain(account)
        sealed = domain.seal(secret.reveal(), place_of(record))
        self._materials.insert(transaction, msgspec.structs.replace(record, sealed=sealed))
        return record.material_id

    def destroy_material(
        self, transaction: Transaction, permit: Permit[CustodyKey], account: str, key_id: str
    ) -> None:
        """Remove every generation of a key's material. Its ciphertexts are lost for ever."""
        key = permit.resource
        if VERBS.get(permit.action) is not Verb.DESTROY or (key.account, key.key_id) != (
            account,
            key_id,
        ):
            raise WrongPermit(f"{permit.action} of {key.key_id} does not destroy {key_id}")
        self._materials.delete_all(transaction, account, key_id)

    def sign_tombstone(
        self,
        permit: Permit[CustodyKey],
        arn: str,
        times: tuple[datetime, datetime],
        ids: Sequence[str],
    ) -> Tombstone:
        """Say that the permit's key is destroyed: when it was made and ended, and its materials."""
        if VERBS.get(permit.action) is not Verb.DESTROY:
            raise WrongPermit(f"{permit.action} signs no tombstone")
        told = Told(self._hierarchy.installation, arn, *times, tuple(ids))
        return sign(told, self._hierarchy.audit_signer)

    def encrypt(
        self, reader: Reader, permit: Permit[CustodyKey], plaintext: bytes, aad: bytes
    ) -> Sealed:
        """Encrypt with the symmetric key's current material, and bind `aad`."""
        key = permit.resource
        if VERBS.get(permit.action) is not _ENCRYPT:
            raise WrongPermit(f"{permit.action} does not encrypt")
        material = self._open(reader, key, key.material_id)
        if material is None:
            raise MaterialMissing(key.key_id)
        return material.encrypt(plaintext, aad)

    def decrypt(
        self, reader: Reader, permit: Permit[CustodyKey], sealed: Sealed, aad: bytes
    ) -> bytes:
        """Decrypt with exactly the material that `sealed` names; raises BadCiphertext."""
        if VERBS.get(permit.action) is not _DECRYPT:
            raise WrongPermit(f"{permit.action} does not decrypt")
        material = self._open(reader, permit.resource, sealed.material_id)
        if material is None:
            raise BadCiphertext
        return material.decrypt(sealed, aad)

    def encrypt_asymmetric(
        self, reader: Reader, permit: Permit[CustodyKey], algorithm: str, plaintext: bytes
    ) -> Work[bytes]:
        """Encrypt for the holder of the private key."""
        material = self._current(reader, permit, Verb.ENCRYPT)
        use = type(material).encrypt_asymmetric
        return _work(permit, material, Verb.ENCRYPT, use, algorithm, plaintext)

    def decrypt_asymmetric(
        self, reader: Reader, permit: Permit[CustodyKey], algorithm: str, ciphertext: bytes
    ) -> Work[bytes | None]:
        """The plaintext, or None if the public key did not make this ciphertext."""
        material = self._current(reader, permit, Verb.DECRYPT)
        use = type(material).decrypt_asymmetric
        return _work(permit, material, Verb.DECRYPT, use, algorithm, ciphertext)

    def sign(
        self,
        reader: Reader,
        permit: Permit[CustodyKey],
        algorithm: str,
        message: bytes,
        message_type: str,
    ) -> Work[bytes]:
        """The signature of a message, or of what its MessageType says."""
        material = self._current(reader, permit, Verb.SIGN)
        use = type(material).sign
        return _work(permit, material, Verb.SIGN, use, algorithm, message, message_type)

    def verify(
        self,
        reader: Reader,
        permit: Permit[CustodyKey],
        algorithm: str,
        message: bytes,
        message_type: str,
        *,
        signature: bytes,
    ) -> Work[bool]:
        """Is this the signature?"""
        material = self._current(reader, permit, Verb.VERIFY)
        use = type(material).verify
        return _work(
            permit, material, Verb.VERIFY, use, algorithm, message, message_type, signature
        )

    def mac(
        self, reader: Reader, permit: Permit[CustodyKey], algorithm: str, message: bytes
    ) -> Work[bytes]:
        """The MAC of a message."""
        material = self._current(reader, permit, Verb.MAC)
        return _work(permit, material, Verb.MAC, type(material).mac, algorithm, message)

    def verify_mac(
        self, reader: Reader, permit: Permit[CustodyKey], algorithm: str, message: bytes, mac: bytes
    ) -> Work[bool]:
        """Is this the MAC, in its full length?"""
        material = self._current(reader, permit, Verb.VERIFY_MAC)
        use = type(material).verify_mac
        return _work(permit, material, Verb.VERIFY_MAC, use, algorithm, message, mac)

    def public_key(self, reader: Reader, permit: Permit[CustodyKey]) -> Work[bytes]:
        """The public key: DER, SubjectPublicKeyInfo."""
        material = self._current(reader, permit, Verb.PUBLIC_KEY)
        return _work(permit, material, Verb.PUBLIC_KEY, type(material).public_key)

    def agrees_with(self, spec: str, public_key: bytes) -> bool:
        """Is this a public key with which a key of this spec can agree on a secret?"""
        return self._backend.agrees_with(spec, public_key)

    def agree(
        self, reader: Reader, permit: Permit[CustodyKey], public_key: bytes
    ) -> Work[bytes | None]:
        """The secret shared with the holder of a public key; None if it is of another kind."""
        material = self._current(reader, permit, Verb.AGREE)
        return _work(permit, material, Verb.AGREE, type(material).agree, public_key)

    def encapsulate(self, reader: Reader, permit: Permit[CustodyKey]) -> Work[tuple[bytes, bytes]]:
        """A new shared secret, and its ciphertext for the holder of the private key."""
        material = self._current(reader, permit, Verb.ENCAPSULATE)
        return _work(permit, material, Verb.ENCAPSULATE, type(material).encapsulate)

    def decapsulate(
        self, reader: Reader, permit: Permit[CustodyKey], ciphertext: bytes
    ) -> Work[bytes | None]:
        """The shared secret, or None if no ciphertext of this key has that length."""
        material = self._current(reader, permit, Verb.DECAPSULATE)
        return _work(permit, material, Verb.DECAPSULATE, type(material).decapsulate, ciphertext)

    def random(self, permit: Permit[object], number: int) -> bytes:  # noqa: ARG002  # the proof
        """So many random bytes: data keys, key ids, and answers to GenerateRandom."""
        return urandom(number)

    def expire(self) -> None:
        """Let go of opened material that nobody used for a minute; call it now and then."""
        self._opened.expire()

    def _current(self, reader: Reader, permit: Permit[CustodyKey], verb: Verb) -> OpenMaterial:
        """The current material of the permit's key, opened for this verb."""
        _require(permit, verb)
        key = permit.resource
        material = self._open(reader, key, key.material_id)
        if material is None:
            raise MaterialMissing(key.key_id)
        return material

    def _open(self, reader: Reader, key: CustodyKey, material_id: str) -> OpenMaterial | None:
        """The opened material of this key with this id, or None when there is none."""
        which = (key.account, key.key_id, material_id, key.row_version)
        known = self._opened.get(reader, which)
        return known or self._unseal(reader, Which(*which), key.row_name)

    def _unseal(self, reader: Reader, which: Which, row_name: Name) -> OpenMaterial | None:
        noting = Noting(reader)
        noting.note([row_name])
        record = self._materials.get(noting, which.account, which.key_id, which.material_id)
        if record is None:
            return None
        try:
            secret = self._hierarchy.domain(record.account).unseal(record.sealed, place_of(record))
        except BadRecord:
            raise RowIntegrityError("key_materials", which[:3]) from None
        material = self._backend.open_material(record.key_spec, record.material_id, secret)
        self._opened.put(noting, which, material)
        return material


def _require(permit: Permit[CustodyKey], verb: Verb) -> None:
    """Refuse a permit for an action that may not do this."""
    if VERBS.get(permit.action) is not verb:
        raise WrongPermit(f"{permit.action} does not {verb.name.lower()}")


def _work(
    permit: Permit[CustodyKey],
    material: OpenMaterial,
    verb: Verb,
    use: Callable[..., R],
    *inputs: bytes | str,
) -> Work[R]:
    """The work of a verb on opened material. Only slow work needs a name, to be found again."""
    seconds = material.seconds(verb)
    made_with = _AT_ONCE
    if seconds > QUICK:
        made_with = _made_with(permit, material.material_id, *inputs)
    return Work(material.pool, seconds, made_with, use, (material, *inputs))


def _made_with(permit: Permit[CustodyKey], material_id: str, *inputs: bytes | str) -> MadeWith:
    """What the result of an action depends on. Not the key's row: that may get a description."""
    key = permit.resource
    said = digest(permit.action.encode(), *map(_as_bytes, inputs))
    return MadeWith(f"{key.account}/{key.key_id}", material_id, input=said)


def _as_bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _require_creating(permit: Permit[Owned], account: str, key_id: str, *, new: bool) -> None:
    """Refuse a permit unless it is for creating a key here, or for rotating this one."""
    verb = VERBS.get(permit.action)
    if new:
        fits = verb is Verb.CREATE
    else:  # a permit to create keys does not replace the material of an existing one
        named = getattr(permit.resource, "key_id", None)
        fits = verb is Verb.ROTATE and named == key_id
    if not fits or permit.resource.owner != account:
        raise WrongPermit(f"{permit.action} does not make material for {key_id} of {account}")
