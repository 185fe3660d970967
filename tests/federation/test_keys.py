"""Where keys come from: rotation, outages, hostile providers and networks (threat-model OI-4)."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from keystead.identity.federation import outside
from keystead.identity.federation.oidc import discovery
from keystead.server.pipeline import Again, Answer, Later
from tests.federation.issuer import (
    CLIENT,
    HOST,
    PUBLIC,
    URL,
    Issuer,
    Names,
    ec_key,
    jwk,
    rsa_key,
    serving,
    signed,
)
from tests.federation.land import Land, document, land_with, told
from tests.patience import PATIENCE
from tests.server.test_slow_lane import Lanes

UNREACHABLE = (
    "Couldn't retrieve verification key from your identity provider, please reference"
    " AssumeRoleWithWebIdentity documentation for requirements"
)


@pytest.fixture
def fresh(land: Land) -> Iterator[Land]:
    """The land, whose provider says what it should and may be asked at once."""
    land.iam("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=land.provider)
    land.create_provider()  # another provider for the memory of keys
    land.issuer.asked.clear()
    yield land
    land.issuer.pages.clear()
    land.issuer.document.clear()
    land.issuer.keys = [jwk(rsa_key("one"), "one")]
    land.names.port = land.issuer.port
    land.names.known[HOST] = [PUBLIC]


def test_keys_are_fetched_once(fresh: Land) -> None:
    """One discovery and one key set, for as many tokens as there are."""
    for _ in range(3):
        assert fresh.assume(fresh.roles["web"]).status == 200
    assert fresh.issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_callers_wait_for_one_answer(fresh: Land) -> None:
    """Those who come while a provider is being asked get the same answer; it is asked once."""
    lanes = Lanes(fresh.local)
    request = fresh.request(fresh.roles["web"], fresh.token())
    waiting = lanes.turn(*[request] * 5)
    again: list[Again] = [lanes.again(each) for each in waiting if isinstance(each, Later)]
    assert len(again) == 5
    answers = [each for each in lanes.turn(*again) if isinstance(each, Answer)]
    assert [each.response.status for each in answers] == [200] * 5
    assert fresh.issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_rotation(fresh: Land) -> None:
    """A key that is not known yet is looked for, once a minute; the old one goes with its set."""
    role, local = fresh.roles["web"], fresh.local
    assert fresh.assume(role).status == 200
    fresh.issuer.keys = [jwk(ec_key("P-256"), "two")]
    token = signed(fresh.claims(), ec_key("P-256"), "ES256", "two")
    assert told(fresh.assume(role, token))[0] == "InvalidIdentityToken"
    assert len(fresh.issuer.asked) == 2
    local.time.monotonic += 60
    assert fresh.assume(role, token).status == 200
    assert len(fresh.issuer.asked) == 4
    assert told(fresh.assume(role))[0] == "InvalidIdentityToken"  # the old key is gone
    for number in range(5):  # unknown names cause no more than one look a minute
        unknown = signed(fresh.claims(), rsa_key("one"), kid=f"unknown-{number}")
        assert told(fresh.assume(role, unknown))[0] == "InvalidIdentityToken"
    assert len(fresh.issuer.asked) == 4


def test_an_outage(fresh: Land) -> None:
    """Keys count for ten minutes while the provider does not answer, and again when it does."""
    role, time = fresh.roles["web"], fresh.local.time
    assert fresh.assume(role).status == 200
    fresh.issuer.pages["/keys"] = lambda: (503, {}, b"")
    time.monotonic += 590
    assert fresh.assume(role).status == 200
    asked = len(fresh.issuer.asked)
    assert fresh.assume(role).status == 200
    assert len(fresh.issuer.asked) == asked  # it was asked a moment ago
    time.monotonic += 10
    answer = fresh.assume(role)
    assert told(answer) == ("IDPCommunicationError", UNREACHABLE)
    assert "503" in fresh.why
    fresh.issuer.pages.clear()
    assert told(fresh.assume(role))[0] == "IDPCommunicationError"
    time.monotonic += 60
    assert fresh.assume(role).status == 200


PAGES: dict[str, tuple[str, Any]] = {
    "redirect": ("/keys", lambda: (302, {"Location": "http://169.254.169.254/"}, b"")),
    "moved discovery": (
        "/.well-known/openid-configuration", lambda: (301, {"Location": f"{URL}/x"}, b"")),
    "huge": ("/keys", lambda: (200, {}, b"{" + b" " * 300_000 + b"}")),
    "said to be huge": ("/keys", lambda: (200, {"Content-Length": "999999999"}, b"{}")),
    "encoded": ("/keys", lambda: (200, {"Content-Encoding": "gzip"}, b"{}")),
    "not JSON": ("/keys", lambda: (200, {}, b"<html>")),
    "two key sets": ("/keys", lambda: (200, {}, b'{"keys":[],"keys":[]}')),
    "a list": ("/keys", lambda: (200, {}, b"[]")),
    "too many": ("/keys", lambda: (200, {}, json.dumps({"keys": [{}] * 65}).encode())),
    "another issuer": ("/.well-known/openid-configuration", lambda: (
        200, {}, json.dumps({"issuer": "https://evil", "jwks_uri": f"{URL}/keys"}).encode())),
    "no jwks_uri": ("/.well-known/openid-configuration", lambda: (
        200, {}, json.dumps({"issuer": URL}).encode())),
    "many headers": ("/keys", lambda: (200, {f"X-{n}": "y" for n in range(200)}, b"{}")),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_hostile_answers(fresh: Land, name: str) -> None:
    """What a provider may say wrong leaves no keys; said right, it lets its people in."""
    path, page = PAGES[name]
    fresh.issuer.pages[path] = page
    assert told(fresh.assume(fresh.roles["web"])) == ("IDPCommunicationError", UNREACHABLE)
    fresh.issuer.pages.clear()
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200


@pytest.mark.parametrize(
    "url",
    ["http://login.example.com/keys", "https://u:p@login.example.com/keys", "file:///etc/passwd",
     "https://login.example.com:0/keys", "https://login.example.com:99999/keys", "//x/keys",
     "https://login.example.com/keys#x", "https://login.example.com/a b", "https://[::1/keys",
     "https://login.example.com\\@evil/keys", "https:///keys", "https://l\u00f6gin/keys"],
)  # fmt: skip
def test_hostile_places(fresh: Land, url: str) -> None:
    """Keys lie under an https URL with a host and a path, and nothing else."""
    fresh.issuer.document["jwks_uri"] = url
    assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
    fresh.issuer.document["jwks_uri"] = f"{URL}:8443/keys?x=1"
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200
    assert fresh.names.connected[-1] == (PUBLIC, 8443)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["172.16.0.1"], ["192.168.1.1"], ["100.64.0.1"], ["0.0.0.0"],  # noqa: S104  # nobody binds it
        ["169.254.169.254"], ["255.255.255.255"], ["224.0.0.1"], ["::1"], ["::"], ["fe80::1"],
        ["fe80::1%eth0"], ["fc00::1"], ["fd00:ec2::254"], ["fec0::1"], ["ff02::1"],
        ["::ffff:127.0.0.1"], ["::ffff:169.254.169.254"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"],
        ["2001:0:7f00:1::"], ["::7f00:1"], ["192.0.2.1"], ["0.1.2.3"], [],
        [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["localhost"],
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(fresh: Land, addresses: list[str]) -> None:
    """Name servers may answer with any address; nobody connects to one of these."""
    fresh.names.known[HOST] = addresses
    fresh.names.connected.clear()
    assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
    assert fresh.names.connected == []
    fresh.names.known[HOST] = [PUBLIC]
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_keys_on_another_host(fresh: Land) -> None:
    """The rule holds for the host of the keys as well."""
    fresh.issuer.document["jwks_uri"] = "https://keys.example.com/keys"
    fresh.names.known["keys.example.com"] = ["10.0.0.1"]
    assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
    assert "federation_private_addresses" in fresh.why


def test_the_setting(tmp_path: Path, land: Land) -> None:
    """A host or a network of the setting may be private; link-local and our own port never."""
    settings = {
        "federation_private_addresses": (HOST, "10.0.0.0/8", "169.254.0.0/16"),
        "listen": ("127.0.0.1:443", "0.0.0.0:8443"),
    }
    land.issuer.document.clear()
    names = Names(land.issuer.port, {HOST: ["127.0.0.2"]})
    with land_with(tmp_path, land.issuer, names, **settings) as own:
        for address, reached in (
            ("127.0.0.2", True), ("192.168.7.7", True), ("::1", True), ("169.254.169.254", False),
            ("192.0.0.192", False), ("100.100.100.200", False), ("168.63.129.16", False),
            ("127.0.0.1", False), ("::ffff:127.0.0.1", False), ("0.0.0.0", False),  # noqa: S104  # as before
        ):  # fmt: skip
            names.known[HOST] = [address]
            own.local.time.monotonic += 601
            answer = own.assume(own.roles["web"])
            assert (answer.status == 200) is reached, (address, own.why)
        names.known[HOST] = ["127.0.0.2"]
        names.known["keys.example.com"] = ["10.1.1.1"]
        for where, reached in (
            ("https://keys.example.com/keys", True), ("https://keys.example.com:8443/keys", True),
            (f"{URL}:8443/keys", False),
        ):  # fmt: skip
            own.issuer.document["jwks_uri"] = where
            own.local.time.monotonic += 601
            assert (own.assume(own.roles["web"]).status == 200) is reached, (where, own.why)
        own.issuer.document.clear()


# certificates


@pytest.mark.parametrize("place", ["top of the chain", "its own"])
def test_a_thumbprint(fresh: Land, place: str) -> None:
    """The certificate itself, or the top of its chain; any other thumbprint is refused."""
    own = {"OpenIDConnectProviderArn": fresh.provider}
    for prints, accepted in (
        ("0" * 40, False), (fresh.issuer.thumbprints[-1 if "top" in place else 0].upper(), True),
    ):  # fmt: skip
        fresh.iam("UpdateOpenIDConnectProviderThumbprint", **own,
                  **{"ThumbprintList.member.1": prints})  # fmt: skip
        assert (fresh.assume(fresh.roles["web"]).status == 200) is accepted, fresh.why


def test_without_a_thumbprint(fresh: Land) -> None:
    """A certificate of no known authority is refused."""
    own = {"OpenIDConnectProviderArn": fresh.provider}
    fresh.iam("DeleteOpenIDConnectProvider", **own)
    fresh.iam("CreateOpenIDConnectProvider", Url=URL, **{"ClientIDList.member.1": CLIENT})
    assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
    assert "no thumbprint" in fresh.why


def _context(folder: Path, made: Any, *more: bytes) -> ssl.SSLContext:
    """A server's certificate, with these behind it."""
    chain, key = folder / "c.pem", folder / "k.pem"
    chain.write_bytes(b"".join([*(each.bytes() for each in made.cert_chain_pems), *more]))
    key.write_bytes(made.private_key_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@pytest.mark.parametrize("fault", ["another name", "expired", "the authority behind a stranger's"])
def test_a_thumbprint_is_no_excuse(fresh: Land, tmp_path: Path, fault: str) -> None:
    """The path from the registered certificate is validated like any other."""
    authority = fresh.issuer.authority
    root = authority.cert_pem.bytes()
    past = datetime.now(UTC) - timedelta(days=1)
    made, behind = authority.issue_cert("other.example.com"), root
    if fault == "expired":
        made = authority.issue_cert(HOST, not_after=past)
    elif fault != "another name":
        made = trustme.CA().issue_cert(HOST)
    impostor = Issuer(tmp_path)
    with serving(impostor, _context(tmp_path, made, behind)):
        fresh.names.port = impostor.port
        assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
        assert impostor.asked == []
    fresh.names.port = fresh.issuer.port
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_a_silent_host(fresh: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that accepts and says nothing is given up, and stops nobody else."""
    monkeypatch.setattr(discovery, "SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        fresh.names.port = silent.getsockname()[1]
        assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"


def test_a_slow_host(fresh: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that says a byte now and then is given up as well."""
    over = threading.Event()

    def slowly() -> tuple[int, dict[str, str], bytes]:
        over.wait(PATIENCE)
        return 200, {}, b"{}"

    monkeypatch.setattr(discovery, "SECONDS", 0.4)
    fresh.issuer.pages["/keys"] = slowly
    assert told(fresh.assume(fresh.roles["web"]))[0] == "IDPCommunicationError"
    over.set()


KEYS: dict[str, Any] = {
    "small": lambda: jwk(rsa_key("small", 1024), "one"),
    "symmetric": lambda: {"kty": "oct", "kid": "one", "k": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"},
    "for encryption": lambda: jwk(rsa_key("one"), "one", use="enc"),
    "not to verify": lambda: jwk(rsa_key("one"), "one", key_ops=["encrypt"]),
    "for another algorithm": lambda: jwk(rsa_key("one"), "one", alg="RS512"),
    "for encryption by its algorithm": lambda: jwk(rsa_key("one"), "one", alg="RSA-OAEP"),
    "no name": lambda: {k: v for k, v in jwk(rsa_key("one"), "one").items() if k != "kid"},
    "huge exponent": lambda: {**jwk(rsa_key("one"), "one"), "e": "A" + "_" * 300},
    "even exponent": lambda: {**jwk(rsa_key("one"), "one"), "e": "Ag"},
    "not a number": lambda: {**jwk(rsa_key("one"), "one"), "n": 7},
    "not base64": lambda: {**jwk(rsa_key("one"), "one"), "n": "!!!"},
    "no key": lambda: "one",
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_keys_that_do_not_count(fresh: Land, name: str) -> None:
    """A key that we do not use is passed over; another of the same set counts."""
    fresh.issuer.keys = [KEYS[name](), jwk(rsa_key("two"), "two")]
    key = rsa_key("small", 1024) if name == "small" else rsa_key("one")
    assert told(fresh.assume(fresh.roles["web"], signed(fresh.claims(), key)))[0] == (
        "InvalidIdentityToken")  # fmt: skip
    other = signed(fresh.claims(), rsa_key("two"), kid="two")
    assert fresh.assume(fresh.roles["web"], other).status == 200, fresh.why


def test_two_keys_of_one_name(fresh: Land) -> None:
    """An ambiguous name is nobody's; of different kinds both count."""
    fresh.issuer.keys = [jwk(rsa_key("evil"), "one"), jwk(rsa_key("one"), "one")]
    assert told(fresh.assume(fresh.roles["web"]))[0] == "InvalidIdentityToken"
    fresh.issuer.keys = [jwk(ec_key("P-256"), "one"), jwk(rsa_key("one"), "one")]
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_a_point_off_the_curve(fresh: Land) -> None:
    """Such a key is passed over, and what it signed is refused."""
    key = jwk(ec_key("P-256"), "two")
    fresh.issuer.keys = [{**key, "y": key["x"]}, jwk(rsa_key("one"), "one")]
    token = signed(fresh.claims(), ec_key("P-256"), "ES256", "two")
    assert told(fresh.assume(fresh.roles["web"], token))[0] == "InvalidIdentityToken"
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_revoked_while_it_is_asked(fresh: Land) -> None:
    """A role, a provider or a trust policy that goes meanwhile counts for the second run."""
    lanes = Lanes(fresh.local)
    role = fresh.role("meanwhile")
    later = lanes.later(fresh.request(role, fresh.token()))
    denied = document({**fresh.trusting(), "Effect": "Deny"})
    fresh.iam("UpdateAssumeRolePolicy", RoleName="meanwhile", PolicyDocument=denied)
    assert lanes.finish(later).status == 403
    own = {"OpenIDConnectProviderArn": fresh.provider}
    fresh.iam("AddClientIDToOpenIDConnectProvider", **own, ClientID="new")
    later = lanes.later(fresh.request(fresh.roles["web"], fresh.token()))
    fresh.iam("DeleteOpenIDConnectProvider", **own)
    assert told(lanes.finish(later))[0] == "InvalidIdentityToken"
    fresh.create_provider()


def test_without_the_extra(fresh: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator is told what is missing; with it, the same token counts."""
    monkeypatch.setitem(sys.modules, "joserfc", None)
    assert told(fresh.assume(fresh.roles["web"])) == ("IDPCommunicationError", UNREACHABLE)
    assert "run `make setup`" in fresh.why
    monkeypatch.undo()
    fresh.local.time.monotonic += 60
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_it_is_loaded_when_it_is_needed() -> None:
    """A server that nobody sends a token to does not load what tokens need."""
    code = "import sys, keystead.server.app; print({'joserfc', 'http.client'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_an_authority_that_the_system_knows(
    fresh: Land, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its certificates need no thumbprint, and a wrong thumbprint does not matter, as at AWS."""
    known = tmp_path / "authorities.pem"
    known.write_bytes(fresh.issuer.authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    outside._known_authorities.cache_clear()
    try:
        fresh.iam(
            "UpdateOpenIDConnectProviderThumbprint", OpenIDConnectProviderArn=fresh.provider,
            **{"ThumbprintList.member.1": "0" * 40},
        )  # fmt: skip
        assert fresh.assume(fresh.roles["web"]).status == 200, fresh.why
    finally:
        outside._known_authorities.cache_clear()


def test_many_silent_providers(fresh: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one account eight providers are asked at a time; the next caller tries again later."""
    monkeypatch.setattr(discovery, "SECONDS", 2 * PATIENCE)
    lanes = Lanes(fresh.local)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        fresh.names.port = silent.getsockname()[1]
        urls = [f"{URL}/silent-{number}" for number in range(9)]
        for url in urls:
            fresh.create_provider(url)
        waiting, accepted = [], []
        for url in urls[:8]:
            waiting.append(lanes.later(fresh.request(fresh.roles["web"], fresh.token(iss=url))))
            accepted.append(silent.accept()[0])  # a worker has begun
        answer = fresh.assume(fresh.roles["web"], fresh.token(iss=urls[8]))
        assert told(answer)[0] == "Throttling"
        for connection in accepted:
            connection.close()
        assert [told(lanes.finish(each))[0] for each in waiting] == ["IDPCommunicationError"] * 8
    fresh.names.port = fresh.issuer.port
    assert fresh.assume(fresh.roles["web"]).status == 200


def test_strangers_are_counted(land: Land, tmp_path: Path) -> None:
    """A network may make so many calls in a second, right or wrong; its neighbours make theirs."""
    names = Names(land.issuer.port)
    with land_with(tmp_path, land.issuer, names, request_quotas=True) as own:
        garbage = [own.request(own.roles["web"], "a.b.c") for _ in range(199)]
        assert own.assume(own.roles["web"]).status == 200
        codes = {told(own.local.send(each))[0] for each in garbage}
        assert codes == {"InvalidIdentityToken"}
        assert told(own.assume(own.roles["web"]))[0] == "Throttling"
        request = own.request(own.roles["web"], own.token())
        elsewhere = msgspec.structs.replace(request, source_ip="198.51.100.7")
        assert own.local.send(elsewhere).status == 200
        own.local.time.monotonic += 0.01
        assert own.assume(own.roles["web"]).status == 200
        assert told(own.assume(own.roles["web"], "a.b.c"))[0] == "InvalidIdentityToken"
        assert told(own.assume(own.roles["web"]))[0] == "Throttling"


def test_silent_name_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name servers that do not answer are given up in time; others answer with addresses."""
    over = threading.Event()

    def slowly(*_: Any, **__: Any) -> list[Any]:
        over.wait(PATIENCE)
        return []

    assert "127.0.0.1" in outside.Internet().addresses("localhost", 443, 20)
    for host in ("no-such-host.invalid", "a" * 64 + ".example"):  # the second is no name at all
        with pytest.raises(OSError, match=r".+"):
            outside.Internet().addresses(host, 443, 20)
    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with pytest.raises(TimeoutError):
        outside.Internet().addresses("localhost", 443, 0.05)
    over.set()
