"""The listener of the pages: bounds of time, bytes and connections, and work that is shared."""

import asyncio
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
import trustme

from keystead.custody.proofs.passwords import Passwords
from keystead.server.console import listener
from keystead.server.console.listener import ConsoleListener
from keystead.server.console.places import Places
from keystead.server.door import open_sockets, tls
from keystead.server.entrance import Entrance
from keystead.server.installation import Address, Network
from keystead.server.installation.config import load
from keystead.server.lane import pool as pools
from keystead.work import PASSWORDS
from tests.console.browser import Browser, Site
from tests.console.people import account_of, user
from tests.patience import PATIENCE
from tests.server.tls_records import Crafted

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
TWO_LENGTHS = b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
FORM = b"Origin: http://localhost:8421\r\nContent-Type: application/x-www-form-urlencoded\r\n"
LAST = b"GET /missing HTTP/1.1\r\nHost: localhost:8421\r\n\r\n"
HEAD = b"GET /signin HTTP/1.1\r\nHost: localhost:8421\r\n"


@contextmanager
def listening(
    site: Site,
    context: ssl.SSLContext | None = None,
    *,
    room: int = 0,
    trusted: Sequence[Network] = (),
) -> Iterator[Callable[[Callable[[int], Awaitable[None]]], None]]:
    """Runs a coroutine function with the port of a listener on this site.

    `room` is what the kernel keeps of an answer that is not read, in bytes; 0: as much as it likes.
    """
    [sock, *_] = open_sockets(Address("127.0.0.1", 0))
    if room:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
    port = sock.getsockname()[1]
    loop = site.loop

    def run(function: Callable[[int], Awaitable[None]]) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(function(port), PATIENCE)

        loop.run_until_complete(bounded())

    served = ConsoleListener(
        site.local.installation, site.turn, sockets=[sock],
        places=Places(site.url, (site.url,)), context=context,
        trusted=lambda: trusted,
    )  # fmt: skip
    loop.run_until_complete(served.start())
    try:
        yield run
    finally:
        loop.run_until_complete(served.stop())


async def answered(streams: Streams, request: bytes) -> bytes:
    """The first line of the answer; b"" if the connection was closed instead."""
    reader, writer = streams
    writer.write(request)
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


async def closed(streams: Streams) -> bytes:
    """What came before the other end closed this connection; waits for that."""
    try:
        return await streams[0].read()
    except ConnectionError:
        return b""


def test_a_request_has_its_time_and_its_size(pages: Site) -> None:
    """Half a head, half a body, a long head and many headers end the connection."""

    async def try_whole(port: int) -> None:
        ok = await asyncio.open_connection("127.0.0.1", port)
        assert (await answered(ok, HEAD + b"\r\n")).startswith(b"HTTP/1.1 200")

    async def try_others(port: int) -> None:
        half = HEAD.replace(b"GET", b"POST") + FORM + b"Content-Length: 9\r\n\r\nuser"
        for part in (b"", HEAD, half):
            streams = await asyncio.open_connection("127.0.0.1", port)
            streams[1].write(part)
            assert await closed(streams) == b""
        many = b"".join(b"X-%d: 1\r\n" % number for number in range(70))
        for long in (many, b"X: %b\r\n" % (b"x" * 33_000)):
            streams = await asyncio.open_connection("127.0.0.1", port)
            assert await answered(streams, HEAD + long + b"\r\n") == b""

    with patch.object(listener, "REQUEST_SECONDS", PATIENCE), listening(pages) as run:
        run(try_whole)
    with patch.object(listener, "REQUEST_SECONDS", 0.2), listening(pages) as run:
        run(try_others)


def test_one_request_at_a_time(pages: Site) -> None:
    """Requests that do not wait for their answers are not kept; those that wait are answered."""

    async def try_all(port: int) -> None:
        crowd = await asyncio.open_connection("127.0.0.1", port)
        crowd[1].write((HEAD + b"\r\n") * 50)
        assert (await closed(crowd)).count(b"HTTP/1.1 200") <= 1
        patient = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            patient[1].write(HEAD.replace(b"GET", b"HEAD") + b"\r\n")
            head = await patient[0].readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")

    with listening(pages) as run:
        run(try_all)


@pytest.mark.parametrize("seconds", [0.0, 3600.0], ids=["too late", "in time"])
def test_an_answer_is_read_in_its_time(pages: Site, seconds: float) -> None:
    """Whoever asks and asks, and reads nothing, is cut off; the same one is not if it reads."""
    full, gone, moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
    answers: list[None] = []

    class Watched(listener._Protocol):  # to know when its buffer is full
        def pause_writing(self) -> None:
            with patch.object(listener, "REQUEST_SECONDS", seconds):
                super().pause_writing()
            full.set()
            moved.set()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            answers.append(None)
            moved.set()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    async def ask(port: int) -> None:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await pages.loop.sock_connect(sock, ("127.0.0.1", port))
            asked, read = 0, b""
            while not full.is_set():
                moved.clear()
                asked += 1
                await pages.loop.sock_sendall(sock, HEAD + b"\r\n")
                await moved.wait()
            if not seconds:
                await gone.wait()
                return
            while len(answers) < asked:
                read += await pages.loop.sock_recv(sock, 65_536)
            await pages.loop.sock_sendall(sock, LAST)
            while b"HTTP/1.1 404" not in read:
                assert not gone.is_set()
                read += await pages.loop.sock_recv(sock, 65_536)

    with patch.object(listener, "_Protocol", Watched), listening(pages, room=4096) as run:
        run(ask)


def test_a_peer_has_its_connections(pages: Site) -> None:
    """32 of one address; the next has room when one of them has gone."""

    async def try_all(port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(32)]
        for streams in held:
            assert (await answered(streams, HEAD + b"\r\n")).startswith(b"HTTP/1.1 200")
        more = await asyncio.open_connection("127.0.0.1", port)
        assert await closed(more) == b""
        held[0][1].close()
        while True:
            again = await asyncio.open_connection("127.0.0.1", port)
            if await answered(again, HEAD + b"\r\n"):
                break
            await asyncio.sleep(0)

    with listening(pages) as run:
        run(try_all)


def test_pages_over_tls(pages: Site) -> None:
    """The scheme is that of the socket, and browsers are told to stay with it."""
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)

    async def try_it(port: int) -> None:
        streams = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname="localhost"
        )
        assert (await answered(streams, HEAD + b"\r\n")).startswith(b"HTTP/1.1 200")
        head = await streams[0].readuntil(b"\r\n\r\n")
        assert b"strict-transport-security" in head.lower()

    secure = Site(pages.local, "https://localhost:8421")
    with listening(secure, server) as run:
        run(try_it)
    secure.loop.close()


def test_answers_of_tls_itself_are_bounded(pages: Site, tmp_path: Path) -> None:
    """Whoever asks for another handshake, and reads no refusal, is read no further."""
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    full = asyncio.Event()

    class Watched(listener._Protocol):
        def pause_writing(self) -> None:
            super().pause_writing()
            full.set()

    async def ask(port: int) -> None:
        with socket.socket() as sock:
            for kept in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                sock.setsockopt(socket.SOL_SOCKET, kept, 32_768)
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", port))
            client = await asyncio.to_thread(Crafted, sock, context, tmp_path / "keys")
            left = memoryview(b"".join(client.record(b"\x01\0\0\0") for _ in range(60_000)))
            sock.setblocking(False)
            for _ in range(5_000):  # the loop has done by then what it will do
                with suppress(BlockingIOError):
                    left = left[sock.send(left) :]
                await asyncio.sleep(0)
            assert full.is_set()
            assert left

    with (
        patch.object(listener, "_Protocol", Watched),
        patch.object(listener, "REQUEST_SECONDS", 3600),
        listening(pages, server, room=4096) as run,
    ):
        run(ask)


def test_a_handshake_counts_before_it_is_over(pages: Site) -> None:
    """Clients that connect and send nothing hold no more than their share, and only for a time."""
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)

    async def crowd(port: int) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(32)]
        assert await closed(await asyncio.open_connection("127.0.0.1", port)) == b""
        for _, writer in silent:
            writer.close()

    async def wait(port: int) -> None:
        assert await closed(await asyncio.open_connection("127.0.0.1", port)) == b""

    with patch.object(tls, "HANDSHAKE_SECONDS", 3600), listening(pages, server) as run:
        run(crowd)
    with patch.object(tls, "HANDSHAKE_SECONDS", 0.2), listening(pages, server) as run:
        run(wait)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /signin HTTP/1.1\r\n\r\n",
        HEAD + b"Host: evil.example\r\n\r\n",
        b"GET http://evil.example/signin HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET http://localhost:8421/signin HTTP/1.1\r\nHost: localhost:8421\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost:8421\r\n\r\n",
        b"CONNECT localhost:8421 HTTP/1.1\r\nHost: localhost:8421\r\n\r\n",
        b"GET /signin HTTP/1.1\nHost: localhost:8421\n\n",
        HEAD.replace(b"GET", b"POST") + TWO_LENGTHS,
    ],
    ids=[
        "no host",
        "two hosts",
        "another host",
        "a whole URL",
        "no path",
        "a tunnel",
        "bare line ends",
        "two lengths",
    ],
)
def test_ambiguous_heads_reach_no_page(pages: Site, head: bytes) -> None:
    """They are refused before anything reads them, or by the Host that they name."""

    async def try_it(port: int) -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        first = await answered(streams, head)
        assert first[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 421"}, first

    with listening(pages) as run:
        run(try_it)


def test_a_trailer_is_no_header(pages: Site) -> None:
    """A proxy forwards trailers as they came, so an address in one is what a stranger typed."""
    form = b"as=user&account=1&user=trailing&password=x"
    head = b"POST /signin HTTP/1.1\r\nHost: localhost:8421\r\nTransfer-Encoding: chunked\r\n"
    head += FORM + b"Cookie: __Host-ks-signin=none\r\nX-Forwarded-For: 192.0.2.1"
    body = b"\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(form), form)

    async def try_both(port: int) -> None:
        for request in (
            head + body + b"X-Forwarded-For: 192.0.2.2\r\n\r\n",
            head + b", 192.0.2.2" + body + b"\r\n",
        ):
            streams = await asyncio.open_connection("127.0.0.1", port)
            assert (await answered(streams, request)).startswith(b"HTTP/1.1 403")

    proxy = [ipaddress.ip_network("127.0.0.1")]
    with listening(pages, trusted=proxy) as run:
        run(try_both)
    assert [event.source_ip for event in pages.named("ConsoleLogin")[-2:]] == [
        "192.0.2.1", "192.0.2.2",
    ]  # fmt: skip


def test_a_flood_of_passwords_leaves_room_for_others(pages: Site) -> None:
    """One hash at a time, and a person of another network is signed in meanwhile."""
    user(pages, "calm")
    account = account_of(pages)
    most, at_once, lock = 0, 0, threading.Lock()
    derive = Passwords.verify_password

    def counted(self: Passwords, password: str, stored: str | None) -> bool:
        nonlocal most, at_once
        with lock:
            at_once += 1
            most = max(most, at_once)
        try:
            return derive(self, password, stored)
        finally:
            with lock:
                at_once -= 1

    async def flood() -> list[int]:
        async def one(ip: str, name: str, password: str) -> int:
            browser = pages.browser(ip)
            browser.cookies["__Host-ks-signin"] = "none"
            body = f"as=user&account={account}&user={name}&password={password}".encode()
            return (await browser.send("POST", "/signin", body)).status

        many = [one(f"203.0.113.{n}", f"flood-{n}", "wrong") for n in range(100)]
        calm = one("198.51.100.8", "calm", "canary-Start-1")
        return list(await asyncio.gather(*many, calm))

    pool = pages.local.installation.pipeline.lane._pools[PASSWORDS]
    with (
        patch.object(Passwords, "verify_password", counted),
        patch.object(pool, "_pace", 1.0),  # whatever a hash takes on this machine
        patch.object(pools, "_LEARN", 0.0),
    ):
        *flooding, calm = pages.loop.run_until_complete(flood())
    assert calm == 303
    assert set(flooding) <= {403, 429}
    assert flooding.count(429) >= 50
    assert most == 1


def test_strangers_of_very_many_networks_keep_out_no_known_browser(pages: Site) -> None:
    """It takes its account's turn. Nobody can tell a person in a new browser from the strangers."""
    user(pages, "been-here")
    account = account_of(pages)
    known = pages.browser()
    known.sign_in(account, "been-here", "canary-Start-1")
    known.post("/signout")

    async def one(browser: Browser, name: str, password: str) -> int:
        browser.cookies["__Host-ks-signin"] = "none"
        body = f"as=user&account={account}&user={name}&password={password}".encode()
        return (await browser.send("POST", "/signin", body)).status

    told, derive = threading.Event(), Passwords.verify_password

    def later(self: Passwords, password: str, stored: str | None) -> bool:
        assert told.wait(PATIENCE)  # until then nothing ends, and nobody else has room
        return derive(self, password, stored)

    async def stranger() -> int:
        browser = pages.browser("198.51.100.9")
        status = await one(browser, "been-here", "canary-Start-1")
        told.set()
        return status

    async def flood() -> list[int]:
        many = [one(pages.browser(f"10.200.{n}.7"), f"far-{n}", "wrong") for n in range(100)]
        mine = one(known, "been-here", "canary-Start-1")
        return list(await asyncio.gather(*many, stranger(), mine))

    pool = pages.local.installation.pipeline.lane._pools[PASSWORDS]
    with patch.object(Passwords, "verify_password", later), patch.object(pool, "_pace", 1.0):
        *flooding, unknown, mine = pages.loop.run_until_complete(flood())
    assert flooding.count(429) >= 50
    assert unknown == 429
    assert mine == 303


def test_both_loopback_addresses_are_taken() -> None:
    """On a host with IPv6, nobody else can listen on the second address of `localhost`."""
    config = load(None, {}, {"listen": ("127.0.0.1:0",), "console": "localhost:0"})
    entrance = Entrance.open(config)
    names = [sock.getsockname()[:2] for sock in entrance.console]
    for sock in (*entrance.console, *(each.socket for each in entrance.sockets)):
        sock.close()
    assert names[0][0] == "127.0.0.1"
    assert {port for _, port in names} == {names[0][1]}
    has_ipv6 = any(line.startswith("0" * 31 + "1") for line in _interfaces())
    assert [host for host, _ in names[1:]] == (["::1"] if has_ipv6 else [])


def _interfaces() -> list[str]:
    """The addresses of IPv6, as the kernel lists them."""
    file = Path("/proc/net/if_inet6")
    return file.read_text().splitlines() if file.exists() else []


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    """A server without pages has the start and the memory that it always had."""
    program = (
        "import sys, keystead.cli.installation.serve\n"
        "names = ('starlette', 'uvicorn', 'jinja2', 'anyio', 'fido2', 'keystead.console',"
        " 'keystead.server.console', 'keystead.identity.signin')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout.strip() == "[]"
