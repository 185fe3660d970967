"""The metadata is for the programs of this host, and for no proxy or page (IM-1, IM-3)."""

import asyncio
import socket
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.agent import listening
from keystead.agent.answers import Answer
from keystead.agent.listening import MOST_CONNECTIONS, Listener
from keystead.wire.framing import Head
from tests.agent import hosts
from tests.agent.hosts import Agent
from tests.conftest import REGION, Server
from tests.patience import PATIENCE, wait_until

TOKEN, TTL = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"
ID = "/latest/meta-data/instance-id"


@pytest.fixture(scope="module")
def agent(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    folder = tmp_path_factory.mktemp("metadata") / "agent"
    made = hosts.host(
        server, "metadata", "--instance-type", "m7g.large", "--private-ip", "10.0.0.7"
    )
    with hosts.serving(hosts.enrolled(made, folder)) as running:
        yield running


def test_what_is_told(agent: Agent) -> None:
    """Lists have one name a line; values have no line break but for PKCS #7."""
    assert agent.get("/latest/meta-data/") == (
        200, "iam/\ninstance-id\ninstance-type\nlocal-ipv4\nplacement/"
    )  # fmt: skip
    assert agent.get("/latest/meta-data/instance-type") == (200, "m7g.large")
    assert agent.get("/latest/meta-data/local-ipv4") == (200, "10.0.0.7")
    assert agent.get("/latest/meta-data/placement/region") == (200, REGION)
    zone = agent.get("/latest/meta-data/placement/availability-zone")
    assert zone == (200, f"{REGION}a")
    assert agent.get("/latest/dynamic/instance-identity") == (200, "document\nrsa2048\nsignature")


def test_versions_of_paths(agent: Agent) -> None:
    """The versions are listed, and each has what the latest has; the token has one path."""
    status, listed = agent.get("/")
    assert status == 200
    versions = listed.splitlines()
    assert versions[-1] == "latest"
    assert "2021-03-23" in versions  # cloud-init's
    for version in versions:
        assert agent.get(f"/{version}/meta-data/instance-type") == (200, "m7g.large")
        assert agent.get(f"/{version}/meta-data/")[1].startswith("iam/\n")
    for path in ("/1999-01-01/meta-data/", "/meta-data/", "//meta-data/", "/latest//meta-data/"):
        assert agent.get(path)[0] == 404


@pytest.mark.parametrize("seconds", ["1", "21600"])
def test_a_token(agent: Agent, seconds: str) -> None:
    """The answer repeats the seconds, the fewest and the most."""
    status, token, headers = agent.ask("PUT", "/latest/api/token", {TTL: seconds})
    assert (status, headers[TTL.lower()], headers["content-type"]) == (200, seconds, "text/plain")
    if seconds != "1":  # it may be over on a busy machine
        assert agent.ask("GET", ID, {TOKEN: token})[0] == 200


@pytest.mark.parametrize(
    "seconds", [None, "", "0", "21601", "-1", "+5", "1.5", "6e2", " ", "60, 60", "٣٠", "000001"]
)
def test_odd_lives_of_tokens(agent: Agent, seconds: str | None) -> None:
    headers = {} if seconds is None else {TTL: seconds.encode().decode("latin-1")}
    assert agent.ask("PUT", "/latest/api/token", headers)[0] == 400


@pytest.mark.parametrize(
    "method", ["GET", "HEAD"],
)  # fmt: skip
def test_version_1_is_not_served(agent: Agent, method: str) -> None:
    """Without a token nothing is told, whatever the path; with one it is."""
    for path in (ID, "/", "/latest/meta-data/iam/security-credentials/metadata", "/latest/x"):
        assert agent.ask(method, path)[0] == 401
    assert agent.ask(method, ID, {TOKEN: agent.token()})[0] == 200


def test_other_tokens(agent: Agent, server: Server, tmp_path: Path) -> None:
    """One that is over, changed, doubled, or of another instance is none."""
    token = agent.token(60)
    flipped = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    other = hosts.enrolled(hosts.host(server, "other-tokens"), tmp_path / "agent")
    with hosts.serving(other):
        foreign = other.token()
    for wrong in ("", "x", flipped, token + "A", token[:-1], f"{token},{token}", foreign):
        assert agent.ask("GET", ID, {TOKEN: wrong})[0] == 401
    assert agent.ask("GET", ID, {TOKEN: token})[0] == 200
    agent.time.ahead += timedelta(seconds=61)
    assert agent.ask("GET", ID, {TOKEN: token})[0] == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "x-forwarded-for"])
@pytest.mark.parametrize("value", ["10.0.0.1", ""])
def test_proxies_are_refused(agent: Agent, header: str, value: str) -> None:
    """Neither a token nor anything else passes one."""
    assert agent.ask("PUT", "/latest/api/token", {TTL: "60", header: value})[0] == 403
    token = agent.token()
    assert agent.ask("GET", ID, {TOKEN: token, header: value})[0] == 403
    assert agent.ask("GET", ID, {TOKEN: token})[0] == 200


def test_the_host_is_exact(agent: Agent) -> None:
    """A page whose name leads here sends its own name, and is refused."""
    port, token = agent.port, agent.token()
    for name in (
        "evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}",
        f"localhost:{port}", "169.254.169.254", f"127.0.0.1:0{port}", f"127.0.0.1.:{port}",
    ):  # fmt: skip
        assert agent.ask("GET", ID, {TOKEN: token, "Host": name})[0] == 403, name
        assert agent.ask("PUT", "/latest/api/token", {TTL: "60", "Host": name})[0] == 403, name
    assert agent.ask("GET", ID, {TOKEN: token, "Host": f"127.0.0.1:{port}"})[0] == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_methods(agent: Agent, method: str) -> None:
    assert agent.ask(method, ID, {TOKEN: agent.token()})[0] == 405


def test_put_is_for_tokens(agent: Agent) -> None:
    assert agent.ask("PUT", ID, {TTL: "60"})[0] == 405
    assert agent.ask("PUT", "/2021-07-15/api/token", {TTL: "60"})[0] == 403
    assert agent.ask("GET", "/latest/api/token", {TOKEN: agent.token()})[0] == 404


@pytest.mark.parametrize(
    "path",
    ["//", "/latest/meta-data/instance-id/", "/latest//meta-data/instance-id",
     "/latest/meta-data/../meta-data/instance-id", "/latest/meta-data/instance-id?x=1",
     "/LATEST/meta-data/instance-id", "/latest/meta-data/instance%2did", "/2021-07-16/meta-data/",
     "/latest/user-data", "/latest/meta-data/iam/security-credentials/other",
     "/latest/dynamic/instance-identity/pkcs7", "/latestx", "/latest/meta-data//"],
)  # fmt: skip
def test_paths_are_exact(agent: Agent, path: str) -> None:
    assert agent.ask("GET", path, {TOKEN: agent.token()})[0] == 404


def send(agent: Agent, content: bytes) -> bytes:
    """Send bytes as they are; all that comes back."""
    with closing(socket.create_connection(("127.0.0.1", agent.port), timeout=30)) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while more := connection.recv(65536):
            got += more
        return got


def test_odd_requests(agent: Agent) -> None:
    """What has two readings, a body, or no end is refused; the agent goes on."""
    host = f"Host: 127.0.0.1:{agent.port}\r\n".encode()
    for odd, status in (
        (b"GET /latest HTTP/1.1\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET  /latest HTTP/1.1\r\n" + host + b"\r\n", b"400"),
        (b"GET http://127.0.0.1/latest HTTP/1.1\r\n" + host + b"\r\n", b"400"),
        (b"GET /latest HTTP/1.1\r\n" + host + host + b"\r\n", b"400"),
        (b"GET /latest HTTP/1.1\r\n" + host + b"X: a\n b\r\n\r\n", b"400"),
        (b"GET /latest HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"PUT /latest/api/token HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\n12345", b"413"),
        (b"GET /latest HTTP/1.1\r\n" + host + b"X: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
    ):
        assert send(agent, odd).startswith(b"HTTP/1.1 " + status), odd
    assert agent.get(ID)[0] == 200


def test_a_flood_keeps_nobody_out(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program holds as many idle connections as there may be: the oldest ends, and others ask."""
    monkeypatch.setattr(listening, "HEAD_SECONDS", 2.0 * PATIENCE)  # none ends by time
    monkeypatch.setattr(listening, "IDLE_SECONDS", 2.0 * PATIENCE)
    held = [_connected(agent) for _ in range(MOST_CONNECTIONS)]
    try:
        assert agent.get(ID)[0] == 200
        used = held[-1]
        used.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{agent.port}\r\n\r\n".encode())
        assert used.recv(65536).startswith(b"HTTP/1.1 401")
        held += [_connected(agent) for _ in range(MOST_CONNECTIONS - 1)]
        assert agent.get(ID)[0] == 200
        assert all(_is_closed(each) for each in held[: MOST_CONNECTIONS - 1])
    finally:
        for each in held:
            each.close()


def _connected(agent: Agent) -> socket.socket:
    return socket.create_connection(("127.0.0.1", agent.port), timeout=30)


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is read within some seconds, or its connection is reset; who reads gets it all."""
    monkeypatch.setattr(listening, "HEAD_SECONDS", 2.0 * PATIENCE)
    large = 20 * 1024 * 1024  # bytes: more than the kernel keeps

    async def read(*, late: bool) -> int:
        """How much is read of an answer, at once or when the listener has let go of it?"""
        asked = asyncio.Event()

        def answer(_: Head, __: Collection[str]) -> Answer:
            asked.set()
            if late:  # and not before: the head, too, may take long
                monkeypatch.setattr(listening, "HEAD_SECONDS", 0.2)
            return Answer(200, b"x" * large)

        listener = Listener("127.0.0.1", 0, answer, lambda: 1)
        server = await listener.serve()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await asked.wait()
        if late:
            await asyncio.to_thread(wait_until, lambda: not listener._open)
        got = 0
        with suppress(ConnectionResetError):
            while part := await reader.read(1 << 16):
                got += len(part)
        writer.close()
        server.close()
        return got

    assert asyncio.run(read(late=False)) > large
    assert asyncio.run(read(late=True)) < large


def test_answers_do_not_leave_the_host() -> None:
    """The IP TTL of what is sent is one, in the handshake and after it."""
    listener = Listener("127.0.0.1", 0, lambda _, __: Answer(404), lambda: 1)
    with closing(listener.socket) as sock:
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 1
