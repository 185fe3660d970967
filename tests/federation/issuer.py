"""A provider of identities on loopback, behind TLS, which says whatever a test wants.

Tokens and certificates are made here, with nothing of ours.
"""

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import trustme
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HOST, KEYS_HOST = "login.example.com", "keys.example.com"
URL = f"https://{HOST}"
CLIENT = "sts.amazonaws.com"
PUBLIC = "93.184.216.34"
_HASHES: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES: dict[str, Any] = {
    "P-256": (ec.SECP256R1, 32), "P-384": (ec.SECP384R1, 48), "P-521": (ec.SECP521R1, 66),
}  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def integer(number: int, length: int = 0) -> str:
    return b64(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The RSA key of this name; one for all tests."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(_CURVES[curve][0]())


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The public half of a key, as providers publish it."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        written = {"kty": "RSA", "n": integer(numbers.n), "e": integer(numbers.e)}
    else:
        point = key.public_key().public_numbers()
        [curve] = [name for name, (kind, _) in _CURVES.items() if kind.name == point.curve.name]
        length = _CURVES[curve][1]
        written = {
            "kty": "EC", "crv": curve, "x": integer(point.x, length), "y": integer(point.y, length),
        }  # fmt: skip
    return {**written, "kid": kid, "use": "sig", **more}


def signature(algorithm: str, key: Any, text: bytes) -> bytes:
    digest = _HASHES[algorithm[2:]]()
    if algorithm.startswith("RS"):
        return bytes(key.sign(text, padding.PKCS1v15(), digest))
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return bytes(key.sign(text, pss, digest))
    if algorithm.startswith("HS"):
        made = hmac.HMAC(key, digest)
        made.update(text)
        return made.finalize()
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(digest)))
    length = (key.curve.key_size + 7) // 8
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def signed(
    claims: Mapping[str, Any] | bytes,
    key: Any,
    algorithm: str = "RS256",
    kid: str | None = "one",
    header: bytes | None = None,
    **more: Any,
) -> str:
    """A token of these claims. `header` or `claims` as bytes stand in it as they are."""
    named = {"alg": algorithm, "typ": "JWT", **({} if kid is None else {"kid": kid}), **more}
    head = json.dumps(named).encode() if header is None else header
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = f"{b64(head)}.{b64(payload)}"
    return f"{text}.{b64(signature(algorithm, key, text.encode()))}"


Said = tuple[int, dict[str, str], bytes]


@dataclass
class Issuer:
    """The provider. A test changes `keys`, `document` or whole `pages`."""

    folder: Path
    names: Sequence[str] = (HOST, KEYS_HOST)
    url: str = URL
    address: str = "127.0.0.1"
    port: int = 0
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(rsa_key("one"), "one")])
    document: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, Callable[[], Said]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)  # the forms
    authorized: list[str] = field(default_factory=list)  # the headers of what was posted
    authority: Any = field(default_factory=trustme.CA)
    self_signed: bool = False

    def page(self, path: str) -> Said:
        """What it says under a path."""
        self.asked.append(path)
        path = path.partition("?")[0]
        if path in self.pages:
            return self.pages[path]()
        if path.endswith("/.well-known/openid-configuration"):
            said = {"issuer": self.url, "jwks_uri": f"{self.url.rstrip('/')}/keys", **self.document}
            return 200, {}, json.dumps(said).encode()
        if path.endswith("/keys"):
            return 200, {}, json.dumps({"keys": self.keys}).encode()
        return 404, {}, b""

    @property
    def certificate(self) -> Path:
        return self.folder / "chain.pem"

    @property
    def thumbprint(self) -> str:
        """That of the top of its chain."""
        return self.thumbprints[-1]

    @property
    def thumbprints(self) -> list[str]:
        chain = self.certificate.read_text().split("-----END CERTIFICATE-----")[:-1]
        ders = [ssl.PEM_cert_to_DER_cert(f"{pem.strip()}\n-----END CERTIFICATE-----\n")
                for pem in chain]  # fmt: skip
        return [hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in ders]

    def write(self) -> ssl.SSLContext:
        """Its certificate, signed by its authority, whose own stands behind it."""
        made = self.authority.issue_cert(*self.names)
        chain = [blob.bytes() for blob in made.cert_chain_pems]
        self.certificate.write_bytes(b"".join([*chain, self.authority.cert_pem.bytes()]))
        key = self.folder / "key.pem"
        key.write_bytes(made.private_key_pem.bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not like a certificate says so by leaving."""


@contextmanager
def serving(issuer: Issuer, context: ssl.SSLContext | None = None) -> Iterator[Issuer]:
    """The provider listens, at a free port of its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = issuer.page(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            issuer.authorized.append(self.headers.get("Authorization", ""))
            issuer.posted.append(dict(parse_qsl(self.rfile.read(length).decode())))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = _Server((issuer.address, issuer.port), Handler)
    context = context or issuer.write()
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    issuer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Names:
    """Name servers, and a network in which every address leads to one port of loopback."""

    port: int = 0
    known: dict[str, list[str]] = field(default_factory=lambda: {HOST: [PUBLIC]})
    connected: list[tuple[str, int]] = field(default_factory=list)

    def addresses(self, host: str, _port: int, _seconds: float) -> Sequence[str]:
        if host not in self.known:
            raise socket.gaierror("unknown host")
        return self.known[host]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
