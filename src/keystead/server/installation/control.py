"""How does the owner of the data directory speak to a running server?

    control.sock, mode 0600:  {"command": "status", "arguments": {}}       one JSON object a line
                          ->  {"result": {…}}  or  {"error": "…", "hint": "…", "status": 1}

A user who may open the socket may read the keys' files too, so the user has nothing else to prove.
If the system tells us the user at the other end, any but our own and root is turned away.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from keystead.failures import Failure
from keystead.server.telemetry import logs

SOCKET = "control.sock"
MAX_LINE = 64 * 1024
CLIENT_SECONDS = 60.0
_LOCAL_PEERCRED = 1  # macOS

Perform = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Performs a ceremony by its name and arguments; raises Failure."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line from a client."""

    command: str
    arguments: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line to a client."""

    result: dict[str, Any] | None = None
    error: str = ""
    hint: str = ""
    status: int = 1  # the exit status of the command line


@contextlib.contextmanager
def _inside(directory: Path) -> Iterator[None]:
    """Work in a directory, because the path of a socket may have only some hundred characters.

    The working directory is that of the whole process. So use this only while no thread depends
    on it.
    """
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def listen(directory: Path) -> socket.socket:
    """The listening socket. The caller holds the directory's lock, so an old socket is dead."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _inside(directory):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET)  # noqa: PTH108  # relative on purpose
        before = os.umask(0o177)
        try:
            listening.bind(SOCKET)
        finally:
            os.umask(before)
    listening.listen(8)
    listening.setblocking(False)
    return listening


def _peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end; None if the system does not tell."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[1])
    if sys.platform == "darwin":
        # struct xucred: version, uid, …
        return int(struct.unpack("2I", connection.getsockopt(0, _LOCAL_PEERCRED, 8))[1])
    return None


def is_owner(uid: int | None) -> bool:
    """May this user perform ceremonies?"""
    return uid is None or uid in (0, os.getuid())


class ControlServer:
    """Answers ceremonies in the loop, one line after the other."""

    def __init__(self, listening: socket.socket, perform: Perform) -> None:
        self._listening = listening
        self._perform = perform
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(
            self._serve, sock=self._listening, limit=MAX_LINE
        )

    def stop(self, directory: Path) -> None:
        """Answer no more, and remove the socket."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            (directory / SOCKET).unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError, asyncio.IncompleteReadError):
            connection = writer.get_extra_info("socket")
            if is_owner(_peer_uid(connection)):
                async for line in reader:
                    writer.write(msgspec.json.encode(self._reply(line)) + b"\n")
                    await writer.drain()
        writer.close()

    def _reply(self, line: bytes) -> Reply:
        try:
            request = msgspec.json.decode(line, type=Request)
            return Reply(result=self._perform(request.command, request.arguments))
        except msgspec.MsgspecError:
            return Reply(error="the control socket got a line that is not a request")
        except Failure as failure:
            return Reply(error=failure.message, hint=failure.hint, status=failure.status)
        except Exception as error:  # noqa: BLE001  # our bug: the server goes on, the log tells
            logs.alarm("a ceremony failed", error)
            return Reply(error="the server failed at this command; see its log")


def ask(directory: Path, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Ask the running server; None when no server runs. Raises Failure with the server's words."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(CLIENT_SECONDS)
    with client:
        try:
            with _inside(directory):
                client.connect(SOCKET)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise Failure(
                f"cannot open `{directory / SOCKET}`: {os.strerror(error.errno or 0).lower()}",
                "run as the user who owns the data directory",
            ) from None
        line = _exchange(client, msgspec.json.encode(Request(command, arguments)) + b"\n")
    if not line:
        raise Failure("the server closed the connection", "see the server's log")
    reply = msgspec.json.decode(line, type=Reply)
    if reply.result is None:
        raise Failure(reply.error, reply.hint, status=reply.status)
    return reply.result


def _exchange(client: socket.socket, request: bytes) -> bytes:
    try:
        client.sendall(request)
        with client.makefile("rb") as stream:
            return stream.readline()
    except TimeoutError:
        raise Failure("the server does not answer", "see the server's log") from None
    except OSError:
        return b""
