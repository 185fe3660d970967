"""What may a connection wait for, and for how long?

Deadlines are checked by a sweep once a second. A timer for each request would cost more than the
request.
"""

from enum import Enum, auto


class State(Enum):
    """The states of a connection."""

    __hash__ = object.__hash__  # Enum's own costs a call of Python for each look into a table

    IDLE = auto()  # Between two requests.
    HEAD = auto()  # A head is coming; a new connection starts here.
    BODY = auto()  # A head has come, its body has not.
    FINAL = auto()  # The last answer is made; bytes that come now are thrown away.


SECONDS = {State.IDLE: 60.0, State.HEAD: 10.0, State.BODY: 30.0, State.FINAL: 2.0}
WRITE_SECONDS = 30.0  # for an answer to be read
DRAIN_SECONDS = 1.0  # for the first request of a connection when we are to end
