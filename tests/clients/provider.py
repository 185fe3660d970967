"""An OpenID Connect provider that is not ours, behind TLS, and a server that may reach it."""

import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import npm
from tests.components import needs_node, not_tried
from tests.conftest import Server, free_port
from tests.federation.issuer import Issuer

HERE = Path(__file__).parents[1] / "federation" / "provider"
PROVIDER = "a real OpenID Connect provider was"
NEEDS_NODE = needs_node(PROVIDER)


def loopback() -> str:
    """An address of loopback whose port 443 is free: providers have no other port (iam.md 8.2)."""
    for _ in range(20):
        address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
        with socket.socket() as probe:
            try:
                probe.bind((address, 443))
            except PermissionError:
                pytest.skip(not_tried(PROVIDER, "port 443 is not to be had"))
            except OSError:
                continue
        return address
    pytest.skip(not_tried(PROVIDER, "no loopback address has a free port 443"))


@contextmanager
def real_provider(
    folder: Path, redirect_uri: Callable[[Issuer], str] = lambda _: "", role: str = ""
) -> Iterator[Issuer]:
    """npm's oidc-provider, which listens; of the issuer only its names and files are used.

    `redirect_uri` is asked before, as a server knows it after it knows the provider. People have
    `role` in a claim.
    """
    npm.fetch(HERE, folder, ["provider.mjs"])
    address = loopback()
    issuer = Issuer(folder, (address,), f"https://{address}", address)
    issuer.write()
    redirect = redirect_uri(issuer)
    arguments = [address, "key.pem", "chain.pem", *([redirect, role] if redirect else [])]
    node = subprocess.Popen(
        ["node", "provider.mjs", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert node.stdout is not None
        for line in node.stdout:
            if "listening" in line:
                break
        yield issuer
    finally:
        node.kill()
        node.wait()


@contextmanager
def serving_for(data: Path, *options: str) -> Iterator[Server]:
    """A server that may reach providers on loopback."""
    server = Server(data, free_port())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KEYSTEAD_FEDERATION_PRIVATE_ADDRESSES", "127.0.0.0/8")
        server.start(*options)
    try:
        yield server
    finally:
        server.stop()
