"""How are listening sockets and TLS set up?  Before an installation is made or opened (HF-8)."""

import asyncio
import errno
import fcntl
import os
import socket
import ssl
import stat
import termios
from array import array
from pathlib import Path
from shlex import quote

from keystead.failures import Failure
from keystead.server.installation import Address

BACKLOG = 1024
HANDSHAKE_SECONDS = 10.0
# The kernel's buffer for each connection (it takes twice as much). Its default is megabytes, and
# one read would bring a quarter of a megabyte. A window of 32 KiB is enough for bodies of 256 KiB.
RECEIVE_BYTES = 32 * 1024
SEND_BYTES = 64 * 1024
TRANSPORT_BYTES = 16 * 1024  # waiting for the kernel; with more, the client "does not read"


def open_sockets(address: Address) -> list[socket.socket]:
    """Sockets that are bound, but accept nothing before they listen; raises Failure."""
    try:
        resolved = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        raise Failure(
            f"`{address.host}` is not an address of this machine",
            "give an address of this machine, such as `127.0.0.1:8420`",
        ) from None
    names = list(dict.fromkeys((family, name) for family, _, _, _, name in resolved))
    if address.port == 0:  # a free port is free for one family only
        names = names[:1]
    opened: list[socket.socket] = []
    try:
        for family, name in names:
            opened.append(_bound(family, name))  # after an error all sockets are closed
    except OSError as error:
        for sock in opened:
            sock.close()
        raise _not_opened(address, error) from None
    return opened


def _bound(family: int, name: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound(sock)
        sock.bind(name)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def accept_from_now_on(sock: socket.socket, address: Address) -> None:
    """Let a bound socket accept connections; raises Failure. Another one may have its address."""
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        raise _not_opened(address, error) from None


def bound(sock: socket.socket) -> None:
    """Let the kernel keep little for each connection of a listening socket."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)


def bound_transport(transport: asyncio.BaseTransport) -> None:
    """Let a transport keep little in each direction; over TLS it keeps half a megabyte else."""
    transport.set_write_buffer_limits(TRANSPORT_BYTES)  # type: ignore[attr-defined]  # it can write
    let_read(transport)


def let_read(transport: asyncio.BaseTransport) -> None:
    """Let the layer below TLS read from the socket, if there is one."""
    limit_reads = getattr(transport, "set_read_buffer_limits", None)  # TLS only
    if limit_reads is not None:
        limit_reads(TRANSPORT_BYTES)


def let_read_nothing(transport: asyncio.BaseTransport) -> None:
    """Let the layer below TLS read nothing. Else it reads one piece more from a paused connection.

    To be called of a connection that does not read at this moment: else it takes effect later.
    """
    limit_reads = getattr(transport, "set_read_buffer_limits", None)
    if limit_reads is not None:
        limit_reads(0)


def _not_opened(address: Address, error: OSError) -> Failure:
    hints = {
        errno.EADDRINUSE: "stop the program that listens there, or give another port",
        errno.EACCES: "a port below 1024 needs a privilege; give another port",
        errno.EADDRNOTAVAIL: "give an address of this machine",
    }
    reason = os.strerror(error.errno).lower() if error.errno else "unknown reason"
    return Failure(f"cannot listen on `{address}`: {reason}", hints.get(error.errno or 0, ""))


def bytes_waiting(transport: asyncio.BaseTransport) -> int:
    """How many bytes have arrived at the socket of a transport, and were not read?"""
    count = array("i", [0])
    try:
        fcntl.ioctl(transport.get_extra_info("socket"), termios.FIONREAD, count)
    except (OSError, TypeError, ValueError):  # it is being closed
        return 0
    return count[0]


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate, without renegotiation and compression."""
    _require_private(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # for TLS 1.2; those of 1.3 are all good
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError:
        raise Failure(
            f"`{certificate}` and `{key}` are not a certificate and its private key",
            "both are PEM files; the key must not be encrypted",
        ) from None
    except OSError as error:
        raise Failure(
            f"cannot read `{certificate}` or `{key}`: {os.strerror(error.errno or 0).lower()}",
            "check `tls_certificate` and `tls_key`",
        ) from None
    return context


def _require_private(key: Path) -> None:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise Failure(
            f"cannot read `{key}`: {os.strerror(error.errno or 0).lower()}", "check `tls_key`"
        ) from None
    if mode & 0o077:
        raise Failure(
            f"`tls_key` is readable by others (mode {mode:04o})", f"chmod 600 {quote(str(key))}"
        )
