"""An answer: a response, and the refusal that replaces it if its turn is not made durable."""

from collections.abc import Callable

import msgspec

from keystead.wire.http import HttpResponse

TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


class Answer(msgspec.Struct, frozen=True):
    """One answer. `unavailable` makes the 503 that is sent if the turn cannot be made durable."""

    response: HttpResponse
    unavailable: Callable[[], HttpResponse]
    too_often: bool = False
    """Does the caller's account exceed a request quota?"""
    works_for: str = ""
    """The party for whose work it was made, beside the loop or in its time to spare; else ""."""
