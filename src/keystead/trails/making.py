"""How is the key for digests made, while callers are served?"""

from queue import Empty, SimpleQueue
from threading import Thread

from keystead.custody.digest_signer import DigestSecret, make


class DigestKeyMaker:
    """Makes the key in a thread, because this takes long. It is asked again until it has it."""

    __slots__ = ("_begun", "_made")

    def __init__(self) -> None:
        self._begun = False
        self._made: SimpleQueue[DigestSecret] = SimpleQueue()

    def made(self) -> DigestSecret | None:
        """The key, once; None while it is being made."""
        if not self._begun:
            self._begun = True
            Thread(target=self._make, name="digest key", daemon=True).start()
        try:
            made = self._made.get_nowait()
        except Empty:
            return None
        self._begun = False
        return made

    def _make(self) -> None:
        self._made.put(make())
