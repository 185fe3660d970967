"""What can be done with key material that is open?  One shape for every family and backend.

Each family has some of the verbs. `OpenMaterial` has none: a verb that a family does not have is
refused (threat-model KM-5). A backend makes the secrets of new material, and opens what was sealed.
There may be a backend whose material never opens in this process. Then its secret is a name, and
the work of its verbs runs in a pool of its own.

INVARIANT: a verb is a function of its arguments. It holds nothing of a call, so it can be done in
the slow lane (`work`). The material may be used by several threads at a time.
"""

# ruff: noqa: ARG002  # a verb that is refused needs none of its arguments

from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar, Generic, Protocol, TypeVar

import msgspec

from keystead.custody.secrecy import Guarded
from keystead.work import PROCESSOR

K = TypeVar("K")


class Verb(Enum):
    """What custody does with the material of a key."""

    CREATE = auto()
    ROTATE = auto()
    DESTROY = auto()
    ENCRYPT = auto()
    DECRYPT = auto()
    SIGN = auto()
    VERIFY = auto()
    MAC = auto()
    VERIFY_MAC = auto()
    PUBLIC_KEY = auto()
    AGREE = auto()
    ENCAPSULATE = auto()
    DECAPSULATE = auto()
    WRAP = auto()  # make the parameters of an import
    IMPORT = auto()
    DELETE_IMPORTED = auto()


class BadCiphertext(Exception):
    """The material did not make this ciphertext with this AAD. One error for every reason."""


class WrongMaterial(Exception):
    """The family of this material does not have the verb: a bug of the caller."""


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """A ciphertext, with all that is needed to open it but the key and the AAD."""

    material_id: str  # 64 hexadecimal digits
    salt: bytes
    commitment: bytes
    nonce: bytes
    ciphertext: bytes  # the tag at its end


class Secret(Guarded):
    """The secret of new material, as it will be sealed: made by a backend, or imported."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def reveal(self) -> bytes:
        """The bytes to be sealed."""
        return self._secret


class KeyPair(Guarded):
    """A new key pair, for use elsewhere: DER, PrivateKeyInfo and SubjectPublicKeyInfo."""

    __slots__ = ("private", "public")

    def __init__(self, private: bytes, public: bytes) -> None:
        self.private, self.public = private, public


class Loaded(Guarded, Generic[K]):
    """A key of the library, loaded from its secret when it is first used, in whatever thread.

    To load a key of some families takes longer than the loop can wait.
    """

    __slots__ = ("_key", "_load", "_secret")

    def __init__(self, load: Callable[[bytes], K], secret: bytes) -> None:
        self._load, self._secret = load, secret
        self._key: K | None = None

    @property
    def key(self) -> K:
        """The key."""
        key = self._key
        if key is None:  # two threads may both load it, and get the same
            key = self._key = self._load(self._secret)
        return key


class OpenMaterial(Guarded):
    """One generation of a key, opened; a type that persistence refuses (KM-12)."""

    __slots__ = ()

    pool: ClassVar[str] = PROCESSOR
    """Where its slow verbs are done."""

    cost: ClassVar[int]
    """The bytes that it takes in memory."""

    material_id: str
    """64 hexadecimal digits."""

    def seconds(self, verb: Verb) -> float:
        """How long a verb takes, approximately. What takes more than `work.QUICK` is slow."""
        return 0.0

    def encrypt(self, plaintext: bytes, aad: bytes) -> Sealed:
        """Encrypt, and bind `aad`."""
        raise self._without("encrypt")

    def decrypt(self, sealed: Sealed, aad: bytes) -> bytes:
        """The plaintext; raises BadCiphertext."""
        raise self._without("decrypt")

    def encrypt_asymmetric(self, algorithm: str, plaintext: bytes) -> bytes:
        """Encrypt for the holder of the private key."""
        raise self._without("encrypt_asymmetric")

    def decrypt_asymmetric(self, algorithm: str, ciphertext: bytes) -> bytes | None:
        """The plaintext, or None if the public key did not make this ciphertext."""
        raise self._without("decrypt_asymmetric")

    def sign(self, algorithm: str, message: bytes, message_type: str) -> bytes:
        """The signature of a message, or of what its MessageType says."""
        raise self._without("sign")

    def verify(self, algorithm: str, message: bytes, message_type: str, signature: bytes) -> bool:
        """Is this the signature?"""
        raise self._without("verify")

    def mac(self, algorithm: str, message: bytes) -> bytes:
        """The MAC of a message."""
        raise self._without("mac")

    def verify_mac(self, algorithm: str, message: bytes, mac: bytes) -> bool:
        """Is this the MAC, in its full length?"""
        raise self._without("verify_mac")

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo (RFC 5280)."""
        raise self._without("public_key")

    def agree(self, public_key: bytes) -> bytes | None:
        """The secret shared with the holder of a public key (DER, SubjectPublicKeyInfo).

        None if that is no public key of the same kind.
        """
        raise self._without("agree")

    def encapsulate(self) -> tuple[bytes, bytes]:
        """A new shared secret, and its ciphertext for the holder of the private key."""
        raise self._without("encapsulate")

    def decapsulate(self, ciphertext: bytes) -> bytes | None:
        """The shared secret, or None if no ciphertext of this key has that length."""
        raise self._without("decapsulate")

    def _without(self, verb: str) -> WrongMaterial:
        return WrongMaterial(f"{type(self).__name__} has no {verb}")


class Backend(Protocol):
    """Where material is made and used. A module can be one."""

    def seconds_to_generate(self, spec: str) -> float:
        """How long it takes to make a secret of this spec, approximately."""

    def has(self, spec: str) -> bool:
        """Can material of this spec be had in this installation?"""

    def generate(self, spec: str) -> Secret:
        """A new secret for material of this spec; in any thread."""

    def key_pair(self, spec: str) -> KeyPair:
        """A new key pair of this spec, for use elsewhere; in any thread."""

    def agrees_with(self, spec: str, public_key: bytes) -> bool:
        """Is this a public key with which a key of this spec can agree on a secret?"""

    def open_material(self, spec: str, material_id: str, secret: bytes) -> OpenMaterial:
        """The material of this spec with this secret, ready for its verbs."""
