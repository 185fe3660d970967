"""Which refusals does the store not have yet?  Written down, oldest first, within bounds.

The bounds are on number and bytes, for each account and for all. An account beyond its own loses
its oldest, so that nobody drives out the refusals of others by being refused often.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from itertools import islice

from keystead.refusals.written import Document, Refusal, WrittenRefusal, read, write


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much may wait."""

    refusals_of_account: int = 256
    bytes_of_account: int = 4 * 1024**2
    refusals: int = 4_096
    bytes: int = 32 * 1024**2


class Queue:
    """The refusals that wait."""

    __slots__ = ("_accounts", "_order", "_room", "bytes", "lost")

    def __init__(self, room: Capacity) -> None:
        self._room = room
        self._order: OrderedDict[str, str] = OrderedDict()  # request id -> account
        self._accounts: dict[str, _Queue] = {}
        self.bytes = 0
        self.lost = 0  # how many there was no room for

    def __len__(self) -> int:
        return len(self._order)

    def add(self, refusal: Refusal) -> None:
        """Let a refusal wait, at the cost of the oldest of its account, or of all."""
        room, queue = self._room, self._accounts.get(refusal.account) or _Queue()
        self.bytes += queue.add(refusal)
        self._accounts[refusal.account] = queue
        self._order[refusal.request_id] = refusal.account
        while len(queue.refusals) > room.refusals_of_account or queue.bytes > room.bytes_of_account:
            self._lose(next(iter(queue.refusals)))
        while len(self._order) > room.refusals or self.bytes > room.bytes:
            self._lose(next(iter(self._order)))

    def find(self, request_id: str) -> Refusal | None:
        """A refusal that waits, or None."""
        account = self._order.get(request_id)
        return None if account is None else self._accounts[account].read(request_id)

    def oldest(self, count: int) -> tuple[list[WrittenRefusal], dict[str, Document]]:
        """The refusals that wait longest, with the documents that they use."""
        refusals, documents = [], {}
        for request_id, account in islice(self._order.items(), count):
            queue = self._accounts[account]
            refusals.append(queue.refusals[request_id])
            for name in refusals[-1].documents:
                documents[name] = queue.documents[name]
        return refusals, documents

    def remove(self, request_id: str) -> None:
        """A refusal waits no more."""
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
        """Remove a refusal, and what only it used; returns by how many bytes the queue shrank."""
        written = self.refusals.pop(request_id)
        shrunk = len(written.content)
        for name in written.documents:
            self._uses[name] -= 1
            if not self._uses[name]:
                del self._uses[name]
                shrunk += self.documents.pop(name).size
        self.bytes -= shrunk
        return shrunk
