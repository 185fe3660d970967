"""Which hash stands for all records, in their order?  The root of a tree.  (RFC 6962, 2.1)

    leaf  = SHA-256(0x00 || record)
    node  = SHA-256(0x01 || left || right)
    root of nothing = SHA-256()

Only the frontier is kept. It is the list of the roots of the perfect subtrees, from left to right.
The size has one bit set for each of them. An append costs one or two hashes on average, for a tree
of any size.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Self

_NODE = sha256(b"\x01")  # a copy of it is made more quickly than a new one


class Tree:
    """A tree that only grows."""

    __slots__ = ("_frontier", "size")

    def __init__(self) -> None:
        self.size = 0
        self._frontier: list[bytes] = []

    @classmethod
    def resume(cls, size: int, frontier: Sequence[bytes]) -> Self:
        """The tree of this size with this frontier."""
        if size < 0 or len(frontier) != size.bit_count():
            raise ValueError(f"a tree of {size} records does not have {len(frontier)} subtrees")
        if any(len(node) != sha256().digest_size for node in frontier):
            # Otherwise the same bytes, divided differently, would give the same root.
            raise ValueError("a hash of another length")
        tree = cls()
        tree.size = size
        tree._frontier = list(frontier)
        return tree

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, from left to right."""
        return tuple(self._frontier)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next record."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the hashes of the next records."""
        frontier, size = self._frontier, self.size
        for leaf in leaves:
            node, full = leaf, size
            while full & 1:
                hashed = _NODE.copy()
                hashed.update(frontier.pop() + node)
                node = hashed.digest()
                full >>= 1
            frontier.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._frontier:
            return sha256(b"").digest()
        node = self._frontier[-1]
        for left in reversed(self._frontier[:-1]):
            node = sha256(b"\x01" + left + node).digest()
        return node
