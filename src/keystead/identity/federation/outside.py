"""What does a host say under this URL?  One bounded GET or POST over TLS (threat-model OI-4).

(1) `https`, a host, a port if there is one, a path: nothing else. (2) The host is resolved once;
none of its addresses may be one that must not be reached (`addresses`). (3) Connect to one of
them. (4) TLS with a certificate of the host: from a CA that the system knows, or the registered
one. (5) 200, no redirect, no encoding. (6) Everything together within five seconds and 256 KiB.

A certificate of no known CA is accepted if it, or the top of the chain that the server presents,
has a registered thumbprint. To see the chain, a connection is made over which nothing is said. The
certificate with the thumbprint is then the only trust anchor of a second connection, whose path is
validated like any other: signatures, dates and host name.
"""

import hashlib
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from urllib.parse import urlencode

from keystead.identity.federation.addresses import Reachable

SECONDS = 5.0
MOST_BYTES = 256 * 1024
_MOST_READ = MOST_BYTES + 64 * 1024  # with the head
_MOST_ADDRESSES, _MOST_TRIED = 16, 3
_LONGEST_URL = 2048
_URL = re.compile(
    r"https://([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
    r"(/[\x21\x24-\x7e]*)?"
)


_Where = tuple[str, Sequence[str], int]
"""A host, its addresses, and a port."""


class NotSaid(Exception):
    """There is no answer that can be used; the text says why, to an administrator."""


class Network(Protocol):
    """Names and connections. A test has its own."""

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The addresses of a host; raises OSError."""

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """A connection to an address; raises OSError."""


class Internet:
    """The system's resolver, and TCP."""

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        # The system's resolver knows no deadline, so a thread of its own waits for it.
        answers: SimpleQueue[list[str] | str] = SimpleQueue()
        resolving = threading.Thread(target=_resolve, args=(host, port, answers), daemon=True)
        resolving.start()
        try:
            answer = answers.get(timeout=seconds)
        except Empty:
            raise TimeoutError("the name servers did not answer in time") from None
        if isinstance(answer, str):
            raise OSError(answer)
        return answer

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        return socket.create_connection((address, port), timeout=seconds)


def _resolve(host: str, port: int, answers: "SimpleQueue[list[str] | str]") -> None:
    """Put the addresses of a host into the queue, or why there are none."""
    try:
        known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put(list(dict.fromkeys(str(each[4][0]) for each in known)))
    except (OSError, UnicodeError) as error:
        answers.put(str(error))


@dataclass(slots=True, eq=False)
class Outside:
    """What lies outside of this server, and how much of it may be reached."""

    reachable: Reachable  # another one when the server's own listeners have changed
    network: Network


@dataclass(frozen=True, slots=True)
class Form:
    """What is posted: fields, and the header by which the client proves itself, if it does."""

    fields: Sequence[tuple[str, str]] = field(repr=False)
    authorization: str = field(default="", repr=False)


def is_url(text: str) -> bool:
    """Could this be asked?"""
    return len(text) <= _LONGEST_URL and _URL.fullmatch(text) is not None


def get(
    outside: Outside, url: str, thumbprints: Sequence[str], until: float, form: Form | None = None
) -> bytes:
    """The body under a URL, before a time of `monotonic`; raises NotSaid. A form is posted."""
    match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
    if match is None or int(match[2] or 443) > 65535:  # (1)
        raise NotSaid("the URL is not https with a host and a path")
    host, port, path = match[1].strip("[]").lower(), int(match[2] or 443), match[3] or "/"
    try:
        where = (host, _addresses(outside, host, port, until), port)  # (2)
        with _secured(outside, where, thumbprints, until) as secured:  # (3) (4)
            named = match[1] if match[2] is None else f"{match[1]}:{match[2]}"
            return _asked(secured, _request(named, path, form), named + path, until)  # (5)
    except (OSError, UnicodeError) as error:
        raise NotSaid(f"{host}: {type(error).__name__}: {error}") from None


def _addresses(outside: Outside, host: str, port: int, until: float) -> Sequence[str]:
    """The addresses to connect to. If one of the host's is forbidden, none is tried."""
    found = outside.network.addresses(host, port, _left(until))
    if not found or len(found) > _MOST_ADDRESSES:
        raise NotSaid(f"{host} has {len(found)} addresses")
    for address in found:
        if why := outside.reachable.refusal(host, address, port):
            raise NotSaid(f"{host}: {why}")
    return found


def _secured(
    outside: Outside, where: _Where, thumbprints: Sequence[str], until: float
) -> ssl.SSLSocket:
    """A connection to the host that its certificate proves."""
    try:
        return _shaken(outside, where, _known_authorities(), until)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
    if not thumbprints:
        raise NotSaid(f"{where[0]}: {why}, and the provider has no thumbprint")
    with _shaken(outside, where, _nobody_trusted(), until) as silent:
        anchor = _registered(_chain(silent), thumbprints)
    if anchor is None:
        raise NotSaid(f"{where[0]}: {why}, and no thumbprint of the provider is the certificate's")
    return _shaken(outside, where, _anchored(anchor), until)


def _shaken(
    outside: Outside, where: _Where, context: ssl.SSLContext, until: float
) -> ssl.SSLSocket:
    host, addresses, port = where
    plain = _connected(outside.network, addresses, port, until)
    try:
        plain.settimeout(_left(until))
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _connected(
    network: Network, addresses: Sequence[str], port: int, until: float
) -> socket.socket:
    """A connection to the first address that answers."""
    *others, last = addresses[:_MOST_TRIED]
    for address in others:
        with suppress(OSError):
            return network.connect(address, port, _left(until) / 2)
    return network.connect(last, port, _left(until))


@lru_cache(maxsize=1)
def _known_authorities() -> ssl.SSLContext:
    return _modern(ssl.create_default_context())


def _nobody_trusted() -> ssl.SSLContext:
    """For a look at the chain. Nothing is sent, and nothing but the chain is read."""
    context = _modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _anchored(anchor: bytes) -> ssl.SSLContext:
    """One certificate is the trust anchor, whoever signed it."""
    context = _modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.load_verify_locations(cadata=anchor)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _chain(secured: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the server presented, its own first, in DER."""
    if hasattr(secured, "get_unverified_chain"):  # from Python 3.13
        presented: list[bytes] = secured.get_unverified_chain()
        return presented
    inner: Any = secured._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  # the same, before
    encoded = (each.public_bytes(2) for each in inner.get_unverified_chain() or ())  # 2: DER
    return list(encoded)


def _registered(chain: Sequence[bytes], thumbprints: Sequence[str]) -> bytes | None:
    """The server's own certificate, or the top of its chain, if its thumbprint is registered."""
    wanted = {thumbprint.lower() for thumbprint in thumbprints}
    for certificate in (chain[0], chain[-1]) if chain else ():
        if hashlib.sha1(certificate, usedforsecurity=False).hexdigest() in wanted:
            return certificate
    return None


def _request(named: str, path: str, form: Form | None) -> bytes:
    """The bytes of a GET, or of a POST."""
    body = b"" if form is None else urlencode(form.fields).encode("ascii")
    lines = [
        f"{'GET' if form is None else 'POST'} {path} HTTP/1.1", f"Host: {named}",
        "User-Agent: keystead", "Accept: application/json", "Accept-Encoding: identity",
        "Connection: close",
    ]  # fmt: skip
    if form is not None:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: {form.authorization}"] if form.authorization else []
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def _asked(secured: ssl.SSLSocket, request: bytes, url: str, until: float) -> bytes:
    """The body of the answer to a request."""
    from http import client  # noqa: PLC0415  # not before a provider is asked

    secured.settimeout(_left(until))
    secured.sendall(request)
    answer = client.HTTPResponse(_Bounded(secured, until))  # type: ignore[arg-type]  # its `makefile`
    try:
        answer.begin()
        if answer.status != 200:
            raise NotSaid(f"{url}: the answer has the status {answer.status}")
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise NotSaid(f"{url}: the answer is encoded")
        body = answer.read(MOST_BYTES + 1)
    except client.HTTPException as error:
        raise NotSaid(f"{url}: {type(error).__name__}") from None
    if len(body) > MOST_BYTES:
        raise NotSaid(f"{url}: the answer is longer than {MOST_BYTES} bytes")
    return body


class _Bounded(io.RawIOBase):
    """What a connection says, within a time and a number of bytes. (6)"""

    def __init__(self, secured: ssl.SSLSocket, until: float) -> None:
        self._secured = secured
        self._until = until
        self._read = 0

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As sockets have it."""
        return io.BufferedReader(self, 16 * 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._read > _MOST_READ:
            raise NotSaid("the answer is too long")
        self._secured.settimeout(_left(self._until))
        count = self._secured.recv_into(buffer)
        self._read += count
        return count


def _left(until: float) -> float:
    """The seconds that are left; raises NotSaid."""
    left = until - time.monotonic()
    if left <= 0:
        raise NotSaid(f"there was no answer within {SECONDS:g} seconds")
    return left
