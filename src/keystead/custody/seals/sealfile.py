"""The file `seal.json`: how the root key is wrapped, twice, and which installation this is.

It holds no secret. It is written in one form only, and carries a MAC under a key derived from the
root key. So no byte of it can change unnoticed, not even in the wrap that is not in use.
"""

import hmac
from typing import Final, Literal

import msgspec

from keystead.custody.files import SealError
from keystead.custody.rows import place

VERSION: Final = 1

Parameters = dict[str, int | str]


class Wrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root key, wrapped by one provider. The provider needs `parameters` to unwrap it."""

    provider: str
    parameters: Parameters
    sealed: bytes


class SealFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `seal.json`."""

    version: int = VERSION
    installation: str  # for ever
    development: Literal[True] | msgspec.UnsetType = msgspec.UNSET  # for ever (decision 0043)
    incarnation: str  # new at every restore: tokens of the former one die
    generation: int = 1  # of the root key
    daily: Wrap
    recovery: Wrap
    mac: bytes = b""

    @property
    def bound_to(self) -> bytes:
        """The place to which every wrap of this root key is bound."""
        return root_place(self.installation, self.generation)

    def authenticated(self, key: bytes) -> "SealFile":
        """The same seal with its MAC."""
        return msgspec.structs.replace(self, mac=self._mac(key))

    def is_authentic(self, key: bytes) -> bool:
        """Was every member written by somebody who knew the root key?"""
        return hmac.compare_digest(self.mac, self._mac(key))

    def _mac(self, key: bytes) -> bytes:
        return hmac.digest(key, encode(msgspec.structs.replace(self, mac=b"")), "sha256")


def root_place(installation: str, generation: int) -> bytes:
    """Where a wrapped root key belongs."""
    return place("root key", installation, generation)


def encode(seal: SealFile) -> bytes:
    """The one form in which a seal is written."""
    compact = msgspec.json.encode(seal, order="deterministic")
    return msgspec.json.format(compact, indent=2) + b"\n"


def decode(content: bytes, name: str) -> SealFile:
    """The seal in this content of the file `name`; refuses what `encode` did not write."""
    try:
        seal = msgspec.json.decode(content, type=SealFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise damaged(name) from None
    if seal.version > VERSION:
        raise SealError(
            f"`{name}` was written by a newer Keystead (version {seal.version})",
            "start the version that wrote it, or a later one",
        )
    if seal.version != VERSION or encode(seal) != content:
        raise damaged(name)
    return seal


def damaged(name: str) -> SealError:
    """The refusal of a seal that was changed."""
    return SealError(
        f"`{name}` is damaged, or was changed",
        "restore it from a copy; it never changes between recoveries",
    )
