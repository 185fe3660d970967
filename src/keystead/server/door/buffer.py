"""Which bytes have arrived on a connection and were not taken yet?

Nearly always one packet is one request. Then only the parts that are taken out are copied. A long
body comes in pieces: they are put together once, when it is taken.
"""

from collections import deque

SMALL = 4 * 1024  # bytes of a piece that is copied to the one before it, to keep few of them


class Buffer:
    """Bytes in the order of their arrival."""

    __slots__ = ("_bytes", "_more", "_scanned", "_start", "size")

    def __init__(self) -> None:
        self.size = 0  # of the bytes that were not taken; read often, so it is not a method
        self._bytes: bytes | bytearray = b""
        self._start = 0  # the bytes before it were taken
        self._scanned = 0  # `_start` or later: no mark begins between the two
        self._more: deque[bytes | bytearray] = deque()  # pieces behind `_bytes`; empty if that is

    def add(self, data: bytes) -> None:
        """Put bytes at the end."""
        if not self.size:
            self._bytes = data
            self._start = self._scanned = 0
            self.size = len(data)
            return
        self.size += len(data)
        more = self._more
        if len(data) > SMALL:
            more.append(data)
        elif more and isinstance(more[-1], bytearray):
            more[-1] += data
        else:
            more.append(bytearray(data))

    def take(self, length: int) -> bytes:
        """Take bytes from the front; there are so many."""
        self.size -= length
        end = self._start + length
        if self._more and end > len(self._bytes):
            return self._take_pieces(length)
        taken = self._bytes[self._start : end]
        self._start = self._scanned = end
        return taken if type(taken) is bytes else bytes(taken)

    def _take_pieces(self, length: int) -> bytes:
        more, piece = self._more, memoryview(self._bytes)[self._start :]
        pieces = [piece]
        left = length - len(piece)
        while left > 0:
            self._bytes = more.popleft()
            self._start = self._scanned = min(left, len(self._bytes))
            pieces.append(memoryview(self._bytes)[: self._start])
            left -= self._start
        return b"".join(pieces)

    def take_until(self, mark: bytes) -> bytes | None:
        """Take the bytes before a mark, and drop the mark; None when there is no mark."""
        end = self._bytes.find(mark, self._scanned)
        if end < 0 and self._more:
            self._put_together(len(mark))
            end = self._bytes.find(mark, self._scanned)
        start = self._start
        if end < 0:
            self._scanned = max(start, len(self._bytes) - len(mark) + 1)
            return None
        taken = self._bytes[start:end]
        end += len(mark)
        self.size -= end - start
        self._start = self._scanned = end
        return taken if type(taken) is bytes else bytes(taken)

    def _put_together(self, overlap: int) -> None:
        """Let all bytes stand in one piece. What was put together before is copied rarely."""
        self._scanned = max(self._start, len(self._bytes) - overlap + 1)
        if self._start or isinstance(self._bytes, bytes):
            self._bytes = bytearray(self._bytes[self._start :])
            self._scanned -= self._start
            self._start = 0
        for piece in self._more:
            self._bytes += piece
        self._more.clear()

    def clear(self) -> None:
        """Drop everything."""
        self._bytes = b""
        self._more.clear()
        self._start = self._scanned = self.size = 0
