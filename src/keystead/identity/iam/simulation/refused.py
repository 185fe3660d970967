"""What is the matter with documents that were read beside the loop?

A worker raises nothing but what is a failure of ours: what is wrong with a request is a value, and
raised by the call that is answered (`work`).
"""

from typing import NamedTuple, TypeVar

from keystead.wire.models import iam as api

T = TypeVar("T")


class Refused(NamedTuple):
    """The message of an InvalidInput."""

    message: str | None


def accepted(read: T | Refused) -> T:
    """What was made of the documents; raises InvalidInput when they were refused."""
    if isinstance(read, Refused):
        raise api.InvalidInputException(read.message)
    return read
