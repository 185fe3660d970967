r"""A checkpoint: the tree's size and root at one moment, signed. What can be kept elsewhere.

    {"version":1,"size":…,"root":"<hex>","time":"…","keyId":"<hex>","signature":"<base64>",
     "frontier":["<hex>",…]}

    signed = "keystead-audit-checkpoint/1\n" size "\n" root "\n" time "\n"

`keyId` is the SHA-256 of the public key's PEM text. The frontier is not signed, because it is
bound already: it has to give the root.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

import msgspec

from keystead.audit.tree import Tree

VERSION = 1

UNSIGNED_RECORDS = 1000
UNSIGNED_TIME = timedelta(seconds=1)
"""How much a server leaves unsigned at most (AD-3)."""


class BadCheckpoint(Exception):
    """Not a checkpoint, or one that contradicts itself."""


class Signer(Protocol):
    """Signs for the audit log; custody holds the key."""

    @property
    def public_key_pem(self) -> bytes:
        """What verifies the signatures."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature of `data`."""


class Checkpoint(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One signed tree head."""

    version: int
    size: int
    root: str
    time: str
    key_id: str
    signature: bytes
    frontier: tuple[str, ...]

    @classmethod
    def sign(cls, tree: Tree, now: datetime, signer: Signer) -> Self:
        """The checkpoint of this tree, now."""
        root, time = tree.root().hex(), now.astimezone(UTC).isoformat()
        return cls(
            version=VERSION,
            size=tree.size,
            root=root,
            time=time,
            key_id=key_id(signer.public_key_pem),
            signature=signer.sign(signed_bytes(tree.size, root, time)),
            frontier=tuple(node.hex() for node in tree.frontier),
        )

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The checkpoint in a line; raises BadCheckpoint. Its signature is another question."""
        try:
            checkpoint = msgspec.json.decode(line, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadCheckpoint("this is not a checkpoint") from None
        if checkpoint.version != VERSION:
            raise BadCheckpoint(f"a checkpoint of version {checkpoint.version}")
        if checkpoint.tree().root().hex() != checkpoint.root:
            raise BadCheckpoint("the checkpoint's frontier does not give its root")
        return checkpoint

    def tree(self) -> Tree:
        """The tree that continues from here; raises BadCheckpoint."""
        try:
            return Tree.resume(self.size, [bytes.fromhex(node) for node in self.frontier])
        except ValueError as error:
            raise BadCheckpoint(str(error)) from None

    def line(self) -> bytes:
        """The checkpoint as it stands in the file."""
        return msgspec.json.encode(self) + b"\n"

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return signed_bytes(self.size, self.root, self.time)


def signed_bytes(size: int, root: str, time: str) -> bytes:
    """The bytes that are signed for a tree head."""
    return f"keystead-audit-checkpoint/{VERSION}\n{size}\n{root}\n{time}\n".encode()


def key_id(public_key_pem: bytes) -> str:
    """How a checkpoint names the key that signed it."""
    return hashlib.sha256(public_key_pem).hexdigest()
