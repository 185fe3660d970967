"""How is the root key wrapped?  Each way has a provider, which wraps and unwraps and no more.

    file         under a random key in `root.key`: a reader of the directory can start the server
    passphrase   under a key that Argon2id makes of a passphrase: a person has to type it
    recovery     under the recovery key, which is kept elsewhere; always there, beside one of these

An HSM would be one more provider. It wraps with a key that never leaves it. Its parameters say
which token and which key.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keystead.custody.files import SealError, exists, read_private, replace_private
from keystead.custody.kdf import KEY_BYTES
from keystead.custody.proofs import ONE_HASH
from keystead.custody.randomness import urandom
from keystead.custody.rows import BadRecord, RecordSealer, place
from keystead.custody.seals.sealfile import Parameters, Wrap
from keystead.custody.secrecy import Guarded

ROOT_KEY_FILE = "root.key"
RECOVER = "`keystead recover --data DIR --recovery-key FILE`"
SHORTEST_PASSPHRASE = 12
DEFAULT_MEMORY_KIB = 1024 * 1024
LEAST_MEMORY_KIB = 256 * 1024
_MOST_MEMORY_KIB = 4 * 1024 * 1024
_PASSES, _LANES = 3, 4


class SealProvider(Protocol):
    """One way to wrap the root key."""

    @property
    def kind(self) -> str:
        """Its name in `seal.json`."""

    def wrap(self, directory: Path, root: bytes, bound_to: bytes) -> Wrap:
        """Wrap the root key, bound to this installation; may keep a file of its own."""

    def unwrap(self, directory: Path, wrap: Wrap, bound_to: bytes) -> bytes:
        """The root key; raises SealError if `wrap` did not make this."""


@dataclass(frozen=True, slots=True)
class FileSeal:
    """Wraps under a random key in the file `root.key`, which only its owner can read."""

    @property
    def kind(self) -> str:
        return "file"

    def wrap(self, directory: Path, root: bytes, bound_to: bytes) -> Wrap:
        key = urandom(KEY_BYTES)
        replace_private(directory / ROOT_KEY_FILE, key)
        return _wrap(self.kind, key, {}, root, bound_to)

    def unwrap(self, directory: Path, wrap: Wrap, bound_to: bytes) -> bytes:
        path = directory / ROOT_KEY_FILE
        if not exists(path):
            raise SealError(
                f"`{path}` is missing", f"put it back, or open a restored copy with {RECOVER}"
            )
        key = read_private(path)
        try:
            return _unwrap(wrap, key, bound_to)
        except BadRecord:
            raise SealError(
                f"`{path}` does not open this installation's seal",
                f"put the right file back, or use the recovery key: {RECOVER}",
            ) from None


@dataclass(frozen=True, slots=True, repr=False)
class PassphraseSeal(Guarded):
    """Wraps under a passphrase. One guess takes `memory_kib` of memory (threat-model 6).

    Less memory than the floor is refused unless `below_floor` says that it is intended.
    """

    passphrase: str
    memory_kib: int = DEFAULT_MEMORY_KIB
    below_floor: bool = False

    @property
    def kind(self) -> str:
        return "passphrase"

    def wrap(self, directory: Path, root: bytes, bound_to: bytes) -> Wrap:  # noqa: ARG002  # it needs no file
        if len(self.passphrase) < SHORTEST_PASSPHRASE:
            raise SealError(
                f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters",
                "choose a sentence that nobody else would think of",
            )
        if self.memory_kib < LEAST_MEMORY_KIB and not self.below_floor:
            raise SealError(
                f"a passphrase needs at least {LEAST_MEMORY_KIB // 1024} MiB of memory",
                "give more memory, or use a key file",
            )
        parameters: Parameters = {
            "salt": urandom(16).hex(),
            "passes": _PASSES,
            "lanes": _LANES,
            "memory_kib": self.memory_kib,
        }
        return _wrap(self.kind, self._stretched(parameters), parameters, root, bound_to)

    def unwrap(self, directory: Path, wrap: Wrap, bound_to: bytes) -> bytes:
        try:
            return _unwrap(wrap, self._stretched(wrap.parameters), bound_to)
        except BadRecord:
            raise SealError(
                f"the passphrase does not open the seal of `{directory}`",
                f"type it again, or use the recovery key: {RECOVER}",
            ) from None

    def _stretched(self, parameters: Parameters) -> bytes:
        """The key of the passphrase under these parameters."""
        memory = parameters.get("memory_kib")
        if not isinstance(memory, int) or memory > _MOST_MEMORY_KIB:
            raise SealError(
                "`seal.json` must give the passphrase a memory of at most"
                f" {_MOST_MEMORY_KIB // 1024} MiB",
                "restore `seal.json` from a copy",
            )
        try:
            function = Argon2id(
                salt=bytes.fromhex(str(parameters["salt"])),
                length=KEY_BYTES,
                iterations=int(parameters["passes"]),
                lanes=int(parameters["lanes"]),
                memory_cost=memory,
            )
            with ONE_HASH:
                return function.derive(self.passphrase.encode())
        except UnicodeEncodeError:  # the error would quote the passphrase
            raise SealError("the passphrase is not valid text", "type it again") from None
        except (KeyError, ValueError):
            raise SealError(
                "the parameters of the passphrase in `seal.json` are missing or not valid",
                "restore `seal.json` from a copy",
            ) from None
        except MemoryError:
            raise SealError(
                f"stretching the passphrase needs {memory // 1024} MiB of memory",
                "free some memory, then try again",
            ) from None


@dataclass(frozen=True, slots=True, repr=False)
class RecoverySeal(Guarded):
    """Wraps under the recovery key."""

    key: bytes

    @property
    def kind(self) -> str:
        return "recovery"

    def wrap(self, directory: Path, root: bytes, bound_to: bytes) -> Wrap:  # noqa: ARG002  # it needs no file
        return _wrap(self.kind, self.key, {}, root, bound_to)

    def unwrap(self, directory: Path, wrap: Wrap, bound_to: bytes) -> bytes:
        try:
            return _unwrap(wrap, self.key, bound_to)
        except BadRecord:
            raise SealError(
                f"this is not the recovery key of `{directory}`",
                "look for the sheet with the installation id that is in `seal.json`",
            ) from None


def _wrap(kind: str, key: bytes, parameters: Parameters, root: bytes, bound_to: bytes) -> Wrap:
    where = bound_to + place(*sorted(parameters.items()))
    return Wrap(kind, parameters, RecordSealer(key, f"root/{kind}").seal(root, where))


def _unwrap(wrap: Wrap, key: bytes, bound_to: bytes) -> bytes:
    """The root key; raises BadRecord when this is not the key that wrapped it."""
    if len(key) != KEY_BYTES:
        raise BadRecord
    where = bound_to + place(*sorted(wrap.parameters.items()))
    return RecordSealer(key, f"root/{wrap.provider}").unseal(wrap.sealed, where)
