"""Which bytes have arrived on a connection and were not taken yet?

Nearly always one packet is one request. Then only the parts that are taken out are copied. Only a
request that comes in pieces is put together.
"""


class Buffer:
    """Bytes in the order of their arrival."""

    __slots__ = ("_bytes", "_scanned", "_start", "size")

    def __init__(self) -> None:
        self.size = 0  # of the bytes that were not taken; read often, so it is not a method
        self._bytes: bytes | bytearray = b""
        self._start = 0  # the bytes before it were taken
        self._scanned = 0  # `_start` or later: no mark begins between the two

    def add(self, data: bytes) -> None:
        """Put bytes at the end."""
        if not self.size:
            self._bytes = data
            self._start = self._scanned = 0
            self.size = len(data)
            return
        self.size += len(data)
        if self._start or isinstance(self._bytes, bytes):
            self._bytes = bytearray(self._bytes[self._start :])
            self._scanned -= self._start
            self._start = 0
        self._bytes += data

    def take(self, length: int) -> bytes:
        """Take bytes from the front."""
        end = self._start + length
        taken = self._bytes[self._start : end]
        self._start = self._scanned = end
        self.size -= length
        return taken if isinstance(taken, bytes) else bytes(taken)

    def take_until(self, mark: bytes) -> bytes | None:
        """Take the bytes before a mark, and drop the mark; None when there is no mark."""
        end = self._bytes.find(mark, self._scanned)
        if end < 0:
            self._scanned = max(self._start, len(self._bytes) - len(mark) + 1)
            return None
        taken = self._bytes[self._start : end]
        end += len(mark)
        self.size -= end - self._start
        self._start = self._scanned = end
        return taken if isinstance(taken, bytes) else bytes(taken)

    def clear(self) -> None:
        """Drop everything."""
        self._bytes = b""
        self._start = self._scanned = self.size = 0
