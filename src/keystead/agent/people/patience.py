"""For how long is a person waited for?"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Patience:
    """A time of `now` at which the waiting ends. A test has its own clock."""

    until: float
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, seconds: float) -> "Patience":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds, never less than none."""
        return max(self.until - self.now(), 0.0)

    def at_most(self, seconds: float) -> "Patience":
        """The same, or so many seconds if that is less."""
        return replace(self, until=min(self.until, self.now() + seconds))
