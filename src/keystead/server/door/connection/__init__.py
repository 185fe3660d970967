"""How does one TCP connection take requests and send answers, in order and within limits?"""

from keystead.server.door.connection.connection import PIECE, Connection, Door
from keystead.server.door.connection.shared import Application
from keystead.server.door.connection.states import SECONDS, WRITE_SECONDS, State

__all__ = ("PIECE", "SECONDS", "WRITE_SECONDS", "Application", "Connection", "Door", "State")
