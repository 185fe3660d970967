"""What does a server with a console have more than another one?

A listener of pages. And on the listeners of the API, the requests of programs whose person signs in
with a browser: their pipeline, and the door to it.
"""

from keystead.server.console.listener import ConsoleListener, Trusted
from keystead.server.console.persons import pipeline_for_programs
from keystead.server.console.places import places
from keystead.server.console.tokens import door
from keystead.server.door import Turn
from keystead.server.entrance import Entrance
from keystead.server.installation import Installation


class Console:
    """The console of one installation."""

    def __init__(
        self, installation: Installation, turn: Turn, entrance: Entrance, trusted: Trusted
    ) -> None:
        config, sockets = installation.config, entrance.console
        url = config.console_at(sockets[0].getsockname()[1])
        known = places(config, entrance.of_everybody, url)
        self.for_programs = pipeline_for_programs(installation, known)
        self.door = door(known.console, installation.clock.now)
        self.listener = ConsoleListener(
            installation,
            turn,
            sockets=sockets,
            places=known,
            context=entrance.console_tls,
            trusted=trusted,
        )
