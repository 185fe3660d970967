"""For whom is a long body read now?  One of each access key at a time, four in all (HF-7).

Nobody has verified the key yet. So these bodies are few, and they are counted with all others that
wait (`held`).
"""

MOST = 4


class LongBodies:
    """The access keys for which a long body is being read or answered."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: set[str] = set()

    @property
    def reading(self) -> int:
        """How many are being read or answered."""
        return len(self._keys)

    def begin(self, key: str) -> bool:
        """Let one begin for this key; False if there is no room."""
        if key in self._keys or len(self._keys) >= MOST:
            return False
        self._keys.add(key)
        return True

    def end(self, key: str) -> None:
        """It was answered, or will not come."""
        self._keys.discard(key)
