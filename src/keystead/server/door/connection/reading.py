"""Does a connection read from its socket now?  (threat-model HF-7, P-09)

listening: the loop reads what arrives, and `looks` knows the connection
paused: until its answer is read, or until it is its turn to read on (`intake`)
held back: paused, and the layer below TLS reads nothing either (`looks`)
"""

import asyncio

from keystead.server.door.listeners import (
    bound_transport,
    bytes_waiting,
    let_read,
    let_read_nothing,
)
from keystead.server.door.looks import Looks, Reads


class Reading:
    """Lets the loop read from the socket of one connection, or not."""

    __slots__ = ("_is_held_back", "_looks", "_transport", "is_paused")

    _transport: asyncio.Transport

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._is_held_back = False
        self.is_paused = False

    # Each takes its connection, which would else be kept by a part of itself.

    def begin(self, reader: Reads, transport: asyncio.Transport) -> None:
        """Listen on a new connection."""
        self._transport = transport
        bound_transport(transport)
        self._looks.watch(reader)

    def pause(self, reader: Reads) -> None:
        """Read nothing more, but for what the layer below TLS reads ahead."""
        if not self.is_paused and not self._transport.is_closing():
            self.is_paused = True
            self._transport.pause_reading()
            self._looks.leave(reader)

    def listen(self, reader: Reads) -> None:
        """Read again, if this was paused."""
        if self.is_paused and not self._transport.is_closing():
            self.is_paused = False
            if self._is_held_back:
                self._is_held_back = False
                let_read(self._transport)
            self._transport.resume_reading()
            self._looks.watch(reader)

    def hold_back(self, reader: Reads) -> bool:
        """Read nothing more at all; False if it does not listen."""
        self._looks.leave(reader)
        if self.is_paused or self._transport.is_closing():
            return False
        self.stop(reader)
        return True

    def stop(self, reader: Reads) -> None:
        """Read nothing more at all, also if it is paused already."""
        self.pause(reader)
        if self.is_paused and not (self._is_held_back or self._transport.is_closing()):
            self._is_held_back = True
            let_read_nothing(self._transport)

    def arrived(self) -> int:
        """How many bytes wait in the socket?"""
        return bytes_waiting(self._transport)
