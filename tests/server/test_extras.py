"""What is not configured costs nothing: a server loads no library of an extra that it does not use.

It is asserted by modules, not by time or memory: what is not there takes neither.
"""

import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Server, free_port, refused

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
NOT_ASKED = {"pq512"}  # which is configured by being there
if find_spec("bonsai") is None:  # it is built from source, where libldap's headers are
    NOT_ASKED.add("ldap")
EXTRAS = set(PROJECT["optional-dependencies"]) - NOT_ASKED
OURS = ("keystead.console", "keystead.server.console", "keystead.identity.signin")
PROGRAM = """
import atexit, os, pathlib, sys
wanted = pathlib.Path(os.environ["LOADED"])
atexit.register(lambda: wanted.write_text("\\n".join(sys.modules)))
from keystead.__main__ import main
main()
"""


def names(requirements: Iterable[str]) -> set[str]:
    """The distributions that these requirements need, and those that they need."""
    found: set[str] = set()
    left = [each for each in requirements if "extra ==" not in each]
    while left:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", left.pop(), maxsplit=1)[0])
        if name.lower() not in found:
            found.add(name.lower())
            try:
                left += [each for each in requires(name) or () if "extra ==" not in each]
            except PackageNotFoundError:  # for another system or another Python
                continue
    return found


def libraries(extra: str) -> set[str]:
    """The modules that only this extra brings."""
    needed = names(PROJECT["optional-dependencies"][extra]) - names(PROJECT["dependencies"])
    return {
        module
        for module, distributions in packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", each).lower() in needed for each in distributions)
    }


class Watched:
    """A server that tells at its end what it had loaded."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder / "data", free_port(), (sys.executable, "-c", PROGRAM))
        self.file = folder / "loaded"

    @contextmanager
    def running(self, *options: str) -> Iterator[Server]:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LOADED", str(self.file))
            self.server.start(*options)
        try:
            yield self.server
        finally:
            assert self.server.stop() == 0

    def loaded(self, among: Collection[str]) -> set[str]:
        every = self.file.read_text().splitlines()
        return {each for each in every if each in among or each.partition(".")[0] in among}


def work(server: Server) -> None:
    """Calls of each service, and a token that is refused before anybody is asked."""
    server.client("kms").list_keys()
    server.client("iam").list_users()
    sts = server.client("sts")
    with refused("InvalidIdentityToken"):
        sts.assume_role_with_web_identity(
            RoleArn="arn:aws:iam::111122223333:role/r",
            RoleSessionName="rs",
            WebIdentityToken="a.b.c",
        )
    with refused("InvalidIdentityToken"):
        sts.assume_role_with_saml(
            RoleArn="arn:aws:iam::111122223333:role/r",
            PrincipalArn="arn:aws:iam::111122223333:saml-provider/p", SAMLAssertion="PHg+PC94Pg==",
        )  # fmt: skip


def test_an_api_loads_no_extra(tmp_path: Path) -> None:
    """A server without pages, providers and directories has none of their libraries at its end."""
    watched = Watched(tmp_path)
    with watched.running() as server:
        work(server)
    extras = {extra: libraries(extra) for extra in EXTRAS}
    assert {"console", "oidc", "saml"} <= set(extras)
    assert all(extras.values()), extras
    for extra, modules in extras.items():
        assert not watched.loaded(modules), extra
    assert not [each for each in watched.file.read_text().split() if each.startswith(OURS)]


def test_pages_load_only_their_own(tmp_path: Path) -> None:
    """With the pages, the watch sees the libraries of the console, and no others."""
    watched = Watched(tmp_path)
    with watched.running("--console", f"localhost:{free_port()}"):
        pass
    assert watched.loaded({"starlette"})
    for extra in EXTRAS - {"console"}:
        assert not watched.loaded(libraries(extra) - libraries("console")), extra
