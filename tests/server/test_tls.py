"""TLS with a given certificate: 1.2 or later, and the caller's policies know of it."""

import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from keystead.failures import Failure
from keystead.server.door.listeners import tls_context
from tests.certificates import made as certificates_in
from tests.conftest import BIN, REGION, Server, free_port, policy, refused
from tests.patience import PATIENCE, wait_until


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate for this machine, its key, and the authority's certificate."""
    return certificates_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def trusting(certificates: Path) -> ssl.SSLContext:
    """What a client that trusts the authority connects with."""
    return ssl.create_default_context(cafile=str(certificates / "ca.pem"))


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, certificates: Path, trusting: ssl.SSLContext
) -> Iterator[Server]:
    """A server that speaks TLS."""
    server = Server(tmp_path_factory.mktemp("tls") / "data", free_port())
    server.process = subprocess.Popen(
        [BIN / "keystead", "serve", "--data", server.data, "--listen", f"127.0.0.1:{server.port}",
         "--region", REGION, "--tls-certificate", certificates / "cert.pem",
         "--tls-key", certificates / "key.pem"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until(lambda: is_ready(server, trusting))
    yield server
    assert server.stop() == 0


def is_ready(server: Server, trusting: ssl.SSLContext) -> bool:
    client = http.client.HTTPSConnection(
        "127.0.0.1", server.port, context=trusting, timeout=PATIENCE
    )
    try:
        client.request("GET", "/readyz")
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()


def test_calls_over_tls(secured: Server, certificates: Path) -> None:
    """A client that trusts the certificate works, with the endpoint that `aws/config` names."""
    assert (
        f"endpoint_url = https://127.0.0.1:{secured.port}\n"
        in (secured.data / "aws" / "config").read_text()
    )
    iam, kms = (
        boto3.client(
            service, region_name=REGION, endpoint_url=f"https://127.0.0.1:{secured.port}",
            aws_access_key_id=secured.admin.access_key_id,
            aws_secret_access_key=secured.admin.secret, verify=str(certificates / "ca.pem"),
        )
        for service in ("iam", "kms")
    )  # fmt: skip
    kms.create_key()
    # Policies see that the call came over TLS.
    for transport, outcome in (("false", "allowed"), ("true", "denied")):
        iam.put_user_policy(
            UserName="admin", PolicyName="transport",
            PolicyDocument=policy(
                {"Effect": "Deny", "Action": "kms:*", "Resource": "*",
                 "Condition": {"Bool": {"aws:SecureTransport": transport}}}
            ),
        )  # fmt: skip
        if outcome == "allowed":
            kms.list_keys()
        else:
            with refused("AccessDeniedException", "with an explicit deny"):
                kms.list_keys()


def test_old_tls_is_refused(secured: Server, trusting: ssl.SSLContext) -> None:
    """TLS 1.2 is the least that is spoken."""
    for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        context = ssl.create_default_context()
        context.load_verify_locations(
            cadata=ssl.DER_cert_to_PEM_cert(trusting.get_ca_certs(True)[0])
        )
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) as plain:
            if spoken:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
                    assert wrapped.version() == "TLSv1.2"
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_ciphers_are_authenticated_and_keep_the_past(certificates: Path) -> None:
    """Every cipher that is offered is an AEAD, and its keys cannot be had from ours later."""
    context = tls_context(certificates / "cert.pem", certificates / "key.pem")

    assert {cipher["protocol"] for cipher in context.get_ciphers()} == {"TLSv1.2", "TLSv1.3"}
    for cipher in context.get_ciphers():
        assert cipher["aead"] is True, cipher["name"]
        assert cipher["name"].startswith(("TLS_", "ECDHE-")), cipher["name"]


def test_plain_http_on_the_tls_port(secured: Server) -> None:
    """Plain HTTP on a TLS port gets nothing."""
    with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        try:
            received = client.recv(4096)
        except ConnectionResetError:
            received = b""
    assert b"HTTP/1.1" not in received


def test_files_that_are_no_certificate(certificates: Path, tmp_path: Path) -> None:
    """A key that others can read, or a file that is something else, is named."""
    certificate, key = certificates / "cert.pem", certificates / "key.pem"
    tls_context(certificate, key)
    shared = tmp_path / "key.pem"
    shared.write_bytes(key.read_bytes())
    shared.chmod(0o640)
    with pytest.raises(Failure, match=r"`tls_key` is readable by others \(mode 0640\)"):
        tls_context(certificate, shared)
    with pytest.raises(Failure, match="are not a certificate and its private key"):
        tls_context(key, key)
    with pytest.raises(Failure, match="cannot read"):
        tls_context(certificate, tmp_path / "none.pem")
