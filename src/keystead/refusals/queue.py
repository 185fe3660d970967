"""Which refusals does the store not have yet?  A queue, oldest first, within bounds.

There are bounds on number and bytes, for each owner and for all. An owner is an account, or a
provider of identities for those whom it vouches for. Strangers have a queue of their own, in which
an owner is the network that they come from. One beyond its own bound loses its oldest refusals. So
nobody drives out the refusals of others by being refused often.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from itertools import islice

from keystead.refusals.written import Document, Refusal, WrittenRefusal, read, write


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many refusals may wait, and how many bytes."""

    refusals_of_account: int = 256
    bytes_of_account: int = 4 * 1024**2
    refusals: int = 4_096
    bytes: int = 32 * 1024**2


STRANGERS = Capacity(
    refusals_of_account=64, bytes_of_account=256 * 1024, refusals=1_024, bytes=2 * 1024**2
)
"""For the queue of strangers, whose refusals are short."""


class Queue:
    """The refusals that wait."""

    __slots__ = ("_accounts", "_order", "_room", "bytes", "lost")

    def __init__(self, room: Capacity) -> None:
        self._room = room
        self._order: OrderedDict[str, str] = OrderedDict()  # request id -> owner
        self._accounts: dict[str, _Queue] = {}
        self.bytes = 0
        self.lost = 0  # the number of refusals that there was no room for

    def __len__(self) -> int:
        return len(self._order)

    def add(self, refusal: Refusal, owner: str = "") -> None:
        """Let a refusal wait. Without room for it the oldest of its owner, or of all, is lost.

        Its owner is its account, if there is one.
        """
        owner = refusal.account or owner
        room, queue = self._room, self._accounts.get(owner) or _Queue()
        self.bytes += queue.add(refusal)
        self._accounts[owner] = queue
        self._order[refusal.request_id] = owner
        while len(queue.refusals) > room.refusals_of_account or queue.bytes > room.bytes_of_account:
            self._lose(next(iter(queue.refusals)))
        while len(self._order) > room.refusals or self.bytes > room.bytes:
            self._lose(next(iter(self._order)))

    def find(self, request_id: str) -> Refusal | None:
        """The waiting refusal with this id, or None."""
        account = self._order.get(request_id)
        return None if account is None else self._accounts[account].read(request_id)

    def oldest(self, count: int) -> tuple[list[WrittenRefusal], dict[str, Document]]:
        """The refusals that have waited longest, with the documents that they use."""
        refusals, documents = [], {}
        for request_id, account in islice(self._order.items(), count):
            queue = self._accounts[account]
            refusals.append(queue.refusals[request_id])
            for name in refusals[-1].documents:
                documents[name] = queue.documents[name]
        return refusals, documents

    def remove(self, request_id: str) -> None:
        """Remove a refusal: it waits no more."""
        account = self._order.pop(request_id)
        queue = self._accounts[account]
        self.bytes -= queue.remove(request_id)
        if not queue.refusals:
            del self._accounts[account]

    def _lose(self, request_id: str) -> None:
        self.remove(request_id)
        self.lost += 1


class _Queue:
    """The refusals of one account that wait, with the documents that they use."""

    __slots__ = ("_uses", "bytes", "documents", "refusals")

    def __init__(self) -> None:
        self.refusals: OrderedDict[str, WrittenRefusal] = OrderedDict()
        self.documents: dict[str, Document] = {}
        self.bytes = 0
        self._uses: Counter[str] = Counter()

    def add(self, refusal: Refusal) -> int:
        """Add a refusal; returns by how many bytes the queue grew."""
        written, new = write(refusal, self.documents)
        self.refusals[written.request_id] = written
        self.documents.update(new)
        self._uses.update(written.documents)
        grown = len(written.content) + sum(document.size for document in new.values())
        self.bytes += grown
        return grown

    def read(self, request_id: str) -> Refusal:
        return read(self.refusals[request_id], self.documents.__getitem__)

    def remove(self, request_id: str) -> int:
        """Remove a refusal, and documents that only it used; returns the bytes that this frees."""
        written = self.refusals.pop(request_id)
        shrunk = len(written.content)
        for name in written.documents:
            self._uses[name] -= 1
            if not self._uses[name]:
                del self._uses[name]
                shrunk += self.documents.pop(name).size
        self.bytes -= shrunk
        return shrunk
