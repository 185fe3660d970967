r"""A checkpoint: the tree's size and root at one moment, signed. A copy can be kept elsewhere.

    {"version":2,"size":…,"root":"<hex>","time":"…","keyId":"<hex>","signature":"<base64>",
     "frontier":["<hex>",…],"serial":…,"state":"<hex>"}

    signed = "keystead-audit-checkpoint/2\n" size "\n" root "\n" time "\n" serial "\n" state "\n"

`state` stands for the sum over all stored rows at that moment (RK-5). Only a holder of the root
key can compute it. `serial` counts checkpoints: the clock's mark changes without a record, so there
may be several checkpoints of one size. Version 1 had neither member, and is still read:

    signed = "keystead-audit-checkpoint/1\n" size "\n" root "\n" time "\n"

`keyId` is the SHA-256 of the public key's PEM text. The frontier needs no signature, because it has
to give the signed root.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

import msgspec

from keystead.audit.log.tree import Tree

VERSION = 2
FIRST_VERSION = 1

UNSIGNED_RECORDS = 1000
UNSIGNED_TIME = timedelta(seconds=1)
"""The most records, and the longest time, that a server leaves unsigned (AD-3)."""


class BadCheckpoint(Exception):
    """The text is no checkpoint, or its parts contradict each other."""


class Signer(Protocol):
    """Signs for the audit log. Custody holds the key."""

    @property
    def public_key_pem(self) -> bytes:
        """The key that verifies the signatures."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature of `data`."""


class Checkpoint(
    msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """One signed tree head."""

    version: int
    size: int
    root: str
    time: str
    key_id: str
    signature: bytes
    frontier: tuple[str, ...]
    serial: int = 0
    state: str = ""

    @classmethod
    def sign(cls, tree: Tree, now: datetime, signer: Signer, *, serial: int, state: str) -> Self:
        """The signed checkpoint of this tree and this state at the time `now`."""
        unsigned = cls(
            version=VERSION,
            size=tree.size,
            root=tree.root().hex(),
            time=now.astimezone(UTC).isoformat(),
            key_id=key_id(signer.public_key_pem),
            signature=b"",
            frontier=tuple(node.hex() for node in tree.frontier),
            serial=serial,
            state=state,
        )
        return msgspec.structs.replace(unsigned, signature=signer.sign(unsigned.signed))

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The checkpoint in a line; raises BadCheckpoint. Its signature is not verified here."""
        try:
            checkpoint = msgspec.json.decode(line, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadCheckpoint("this is not a checkpoint") from None
        if not FIRST_VERSION <= checkpoint.version <= VERSION:
            raise BadCheckpoint(f"a checkpoint of version {checkpoint.version}")
        if checkpoint.version == FIRST_VERSION and (checkpoint.serial or checkpoint.state):
            raise BadCheckpoint("its version signs neither a serial number nor a state")
        if checkpoint.tree().root().hex() != checkpoint.root:
            raise BadCheckpoint("the checkpoint's frontier does not give its root")
        return checkpoint

    def tree(self) -> Tree:
        """The tree as of this checkpoint, ready to grow; raises BadCheckpoint."""
        try:
            return Tree.resume(self.size, [bytes.fromhex(node) for node in self.frontier])
        except ValueError as error:
            raise BadCheckpoint(str(error)) from None

    def line(self) -> bytes:
        """The checkpoint as it stands in the file."""
        return msgspec.json.encode(self) + b"\n"

    @property
    def signed(self) -> bytes:
        """The text that the signature covers."""
        text = f"keystead-audit-checkpoint/{self.version}\n{self.size}\n{self.root}\n{self.time}\n"
        if self.version > FIRST_VERSION:
            text += f"{self.serial}\n{self.state}\n"
        return text.encode()

    @property
    def order(self) -> tuple[int, int]:
        """The order of checkpoints: it grows from each checkpoint to the next."""
        return self.size, self.serial


def key_id(public_key_pem: bytes) -> str:
    """The name of the signing key in a checkpoint."""
    return hashlib.sha256(public_key_pem).hexdigest()
