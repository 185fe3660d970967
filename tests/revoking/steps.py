"""The steps of a kind of revoking call.

A kind is a generator. It yields a request that is allowed now. When it goes on it makes the
revoking call, and yields None. When it goes on once more it gives back what was taken.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.revoking.asking import Request
from tests.revoking.world import World

Steps = Iterator[Request | None]
Kind = Callable[[World], Steps]


def both(asked: Request, revoke: Callable[[], Any], restore: Callable[[], Any]) -> Steps:
    """A call that another call takes back."""
    while True:
        yield asked
        revoke()
        yield None
        restore()
