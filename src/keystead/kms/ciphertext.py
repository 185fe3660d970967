"""The ciphertext blob: which key and material made it, and which context is bound to it.

    header:  "KS" (2) | version (1) | account (5) | region length (1) | region
             | key id kind (1) | key id (16) | material id (32) | checksum (4)
    sealed:  salt (16) | nonce (12) | commitment (32) | ciphertext and tag

The account is its twelve digits as a number. A key id is a UUID (kind 0) or a multi-Region id
(kind 1). For kind 1 the Region says where the blob was made, not where its key is.

Custody authenticates the header and the canonical encryption context, which is not stored. The
checksum protects nothing from an adversary. It tells a damaged blob from a blob of another key,
because those are different refusals (threat-model KM-2).
"""

import re
from typing import NamedTuple
from zlib import crc32

import msgspec

from keystead.arns import is_account_id
from keystead.custody.material import Sealed
from keystead.kms.encryption_context import EncryptionContext
from keystead.wire.models import kms as api

_MAGIC = b"KS\x01"
_UUID, _MULTI_REGION = 0, 1
_SALT, _NONCE, _COMMITMENT, _TAG = 16, 12, 32, 16
_BEFORE_REGION = len(_MAGIC) + 5
_AFTER_REGION = 1 + 16 + 32 + 4
_REGION = re.compile(rb"\A[a-z0-9-]{1,32}\Z")


class KeyName(NamedTuple):
    """The key that a blob names."""

    account: str
    region: str
    key_id: str

    @property
    def multi_region(self) -> bool:
        return self.key_id.startswith("mrk-")


class Blob(msgspec.Struct, frozen=True):
    """A well-formed blob, taken apart. Only custody can tell whether it is genuine."""

    made_by: KeyName
    header: bytes
    sealed: Sealed

    def bound(self, context: EncryptionContext) -> bytes:
        """The bytes that were authenticated with it, if it was made with this context."""
        return self.header + context.canonical


def header(name: KeyName, material_id: str) -> bytes:
    """The header of the blobs that this material of this key makes."""
    kind = _MULTI_REGION if name.multi_region else _UUID
    digits = name.key_id.removeprefix("mrk-").replace("-", "")
    body = b"".join(
        (
            _MAGIC,
            int(name.account).to_bytes(5),
            bytes((len(name.region),)),
            name.region.encode(),
            bytes((kind,)),
            bytes.fromhex(digits),
            bytes.fromhex(material_id),
        )
    )
    return body + crc32(body).to_bytes(4)


def pack(header: bytes, sealed: Sealed) -> bytes:
    """The blob."""
    return b"".join((header, sealed.salt, sealed.nonce, sealed.commitment, sealed.ciphertext))


def unpack(blob: bytes) -> Blob:
    """The parts of a blob. Raises InvalidCiphertextException unless `pack` could have made it.

    A call uses `Heard`, which keeps the headers that the same account sends again.
    """
    end = header_end(blob)
    return take_apart(blob, end, *read_header(blob[:end]))


def header_end(blob: bytes) -> int:
    """The end of a blob's header; InvalidCiphertextException when the blob is too short."""
    region = blob[_BEFORE_REGION] if len(blob) > _BEFORE_REGION else 0
    end = _BEFORE_REGION + 1 + region + _AFTER_REGION
    if len(blob) <= end + _SALT + _NONCE + _COMMITMENT + _TAG:
        raise api.InvalidCiphertextException
    return end


def take_apart(blob: bytes, end: int, made_by: KeyName, material_id: str) -> Blob:
    """The parts of a blob whose header ends at `end` and names this key and material."""
    nonce = end + _SALT
    commitment = nonce + _NONCE
    ciphertext = commitment + _COMMITMENT
    sealed = Sealed(
        material_id,
        blob[end:nonce],  # salt
        blob[commitment:ciphertext],
        blob[nonce:commitment],
        blob[ciphertext:],
    )
    return Blob(made_by, blob[:end], sealed)


def read_header(header: bytes) -> tuple[KeyName, str]:
    """The key and the material that a header names."""
    if not header.startswith(_MAGIC) or crc32(header[:-4]) != int.from_bytes(header[-4:]):
        raise api.InvalidCiphertextException
    account = f"{int.from_bytes(header[len(_MAGIC) : _BEFORE_REGION]):012}"
    start = len(header) - _AFTER_REGION
    region, kind = header[_BEFORE_REGION + 1 : start], header[start]
    if not is_account_id(account) or not _REGION.match(region) or kind > _MULTI_REGION:
        raise api.InvalidCiphertextException
    key_id = _key_id(kind, header[start + 1 : start + 17].hex())
    return KeyName(account, region.decode(), key_id), header[start + 17 : -4].hex()


def _key_id(kind: int, digits: str) -> str:
    if kind == _MULTI_REGION:
        return "mrk-" + digits
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
