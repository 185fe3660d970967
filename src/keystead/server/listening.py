"""Which listeners has the server now?  Those of endpoints and balancers come and go with settings.

    SIGHUP -> open what is new -> use all the settings -> close what is named no more

A listener that cannot be opened leaves all settings as they were. If an address leads to another
endpoint, a new listener takes the socket over, so that no client is turned away. The connections of
a listener that ends serve the request that has begun to arrive, and end.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keystead.failures import Failure
from keystead.server.door import BACKLOG, Connection, Door, TlsListener, accept_from_now_on
from keystead.server.entrance import Entrance, Listening, Use, Wanted, of_networks
from keystead.server.installation import Config

MakeDoor = Callable[[Wanted, bool], Door]
"""Makes the door of a listener. Is it for TLS?"""

_CHANGING = frozenset({Use.ENDPOINT, Use.BALANCERS})


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket, its door, and what accepts its connections."""

    socket: asyncio.Server | TlsListener
    listening: Listening
    door: Door


@dataclass(frozen=True, slots=True)
class Change:
    """The sockets that are opened for settings, and the listeners that end with them."""

    opened: Sequence[Listening]
    ending: Sequence[Listener]

    def __str__(self) -> str:
        """The change, for the log; "" if there is none."""
        named = [("listens on", [each.wanted for each in self.opened])]
        named.append(("no more on", [each.listening.wanted for each in self.ending]))
        return "".join(f"; {verb} {_named(wanted)}" for verb, wanted in named if wanted)


def _named(wanted: Iterable[Wanted]) -> str:
    return ", ".join(dict.fromkeys(map(_in_words, wanted)))


def _in_words(wanted: Wanted) -> str:
    endpoint = wanted.endpoint.vpce_id
    return f"`{wanted.address}`" + (f" for `{endpoint}`" if endpoint else "")


class Listeners:
    """Every listener of the API and of the metrics."""

    __slots__ = ("_ending", "_listeners", "_make", "_tls")

    def __init__(self, make: MakeDoor, tls: ssl.SSLContext | None) -> None:
        self._make = make
        self._tls = tls
        self._listeners: list[Listener] = []
        self._ending: list[tuple[Use, Door]] = []  # they have connections still

    async def start(self, entrance: Entrance) -> None:
        """Accept connections on every socket."""
        loop = asyncio.get_running_loop()
        for each in entrance.sockets:
            accept_from_now_on(each.socket, each.wanted.address)
            use = each.wanted.use
            if use in _CHANGING or (self._tls is not None and use is not Use.METRICS):
                self._listen(each)
                continue
            door = self._make(each.wanted, False)
            plain = await loop.create_server(door.connection, sock=each.socket, backlog=BACKLOG)
            self._listeners.append(Listener(plain, each, door))

    def _listen(self, each: Listening) -> None:
        door = self._make(each.wanted, self._tls is not None)
        self._listeners.append(Listener(TlsListener(each.socket, door, self._tls), each, door))

    def open(self, config: Config) -> Change:
        """Open the sockets that are new in these settings; raises Failure, and has opened none."""
        wanted = {each.place: each for each in of_networks(config)}
        now = [each for each in self._listeners if each.listening.wanted.use in _CHANGING]
        ending = [
            each for each in now if wanted.get(each.listening.wanted.place) != each.listening.wanted
        ]
        there = {each.listening.wanted.place for each in now}
        opened: list[Listening] = []
        try:
            opened.extend(
                Listening(each.listening.socket.dup(), other)
                for each in ending
                if (other := wanted.get(each.listening.wanted.place)) is not None
            )
            for place, new in wanted.items():
                if place not in there:
                    opened += new.open()
            # Here and not in `use`: two of the new ones may have one address, in other words.
            for sock, its in opened:
                accept_from_now_on(sock, its.address)
        except (Failure, OSError):
            for sock, _ in opened:
                sock.close()
            raise
        return Change(opened, ending)

    def use(self, change: Change, config: Config) -> None:
        """Listen on what was opened, and nowhere else; and trust whom these settings trust."""
        for each in change.opened:
            self._listen(each)
        for listener in change.ending:
            listener.socket.close()
            for connection in list(listener.door.connections):
                connection.drain()
            self._listeners.remove(listener)
            self._ending.append((listener.listening.wanted.use, listener.door))
        doors = [(each.listening.wanted.use, each.door) for each in self._listeners]
        for use, door in [*doors, *self._ending]:
            door.trust(use.trusted(config))

    def present(self, context: ssl.SSLContext) -> None:
        """Use this certificate for new connections."""
        self._tls = context
        for listener in self._listeners:
            if isinstance(listener.socket, TlsListener):
                listener.socket.present(context)

    def close(self) -> None:
        """Accept no more connections."""
        for listener in self._listeners:
            listener.socket.close()

    @property
    def named(self) -> list[dict[str, str]]:
        """Where it listens, and for which endpoint."""
        wanted = [each.listening.wanted for each in self._listeners]
        return [
            {"address": str(each.address), "endpoint": each.endpoint.vpce_id} for each in wanted
        ]

    @property
    def connections(self) -> list[Connection]:
        """Every connection, also of listeners that have ended."""
        self._ending = [(use, door) for use, door in self._ending if door.connections]
        doors = [*(each.door for each in self._listeners), *(door for _, door in self._ending)]
        return [connection for door in doors for connection in door.connections]
