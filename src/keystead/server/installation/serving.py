"""How is the server?  The word that `/readyz` says: up, down, sealed or draining.

Down is a server that could not keep what it did last, as with a full disk: whoever sends it calls
sends them elsewhere, until a commit and a sync have succeeded again.
"""

from collections.abc import Callable


class Serving:
    """Can it serve, and if not, why?"""

    __slots__ = ("_draining", "_trouble")

    def __init__(self, trouble: Callable[[], str] = lambda: "") -> None:
        """`trouble` says why nothing can be kept now; "" while it can."""
        self._draining = False
        self._trouble = trouble

    def drain(self) -> None:
        """From now on, what has begun is finished, and nothing else is taken."""
        self._draining = True

    @property
    def word(self) -> str:
        if self._draining:
            return "draining"
        return "down" if self._trouble() else "up"

    @property
    def ready(self) -> bool:
        """Can requests be served?"""
        return self.word == "up"
