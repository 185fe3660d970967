"""Can the server serve?  The word on `/readyz`: up, down or draining.

A server is down while it cannot store changes, as with a full disk. Then a load balancer sends
calls elsewhere, until a commit and a sync have succeeded again.
"""

from collections.abc import Callable


class Serving:
    """Can it serve, and if not, why?"""

    __slots__ = ("_draining", "_trouble")

    def __init__(self, trouble: Callable[[], str] = lambda: "") -> None:
        """`trouble` says why nothing can be stored now; "" while it can."""
        self._draining = False
        self._trouble = trouble

    def drain(self) -> None:
        """From now on, finish the requests that have begun, and take no others."""
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
