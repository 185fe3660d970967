"""Organizations for tests: accounts of their own on the shared server, and the tree above them."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from tests.conftest import Credentials, Server


@dataclass(frozen=True, slots=True)
class Owner:
    """The root of an account that nobody else uses."""

    server: Server
    account: str
    email: str
    key: Credentials

    def client(self, service: str) -> Any:
        return self.server.client(service, self.key)


def account(server: Server, number: str | None = None) -> Owner:
    """A new account outside of every organization; with a number, one that has no key yet."""
    if number is None:
        made = _ceremony(server, "create")
    else:
        made = {"Email": "", **_ceremony(server, "root-access-key", "--account-id", number)}
    key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    return Owner(server, made["AccountId"], made["Email"], key)


def _ceremony(server: Server, verb: str, *options: str) -> dict[str, str]:
    shown = server.keystead("account", verb, "--json", *options)
    assert shown.returncode == 0, shown.stderr
    made: dict[str, str] = json.loads(shown.stdout)
    return made


@dataclass(frozen=True, slots=True)
class Tree:
    """An organization, and its management account's root who changes it."""

    management: Owner
    organizations: Any
    id: str
    root: str

    def unit(self, name: str = "unit", parent: str | None = None) -> str:
        """A new unit."""
        made = self.organizations.create_organizational_unit(
            ParentId=parent or self.root, Name=name
        )
        return str(made["OrganizationalUnit"]["Id"])

    def member(self, parent: str | None = None) -> Owner:
        """A new account, in a unit if one is given, and its root."""
        made = self.organizations.create_account(
            Email=f"{uuid.uuid4()}@example.com", AccountName="member"
        )["CreateAccountStatus"]
        if parent is not None:
            self.move(made["AccountId"], self.root, parent)
        return account(self.management.server, made["AccountId"])

    def move(self, account: str, source: str, destination: str) -> None:
        self.organizations.move_account(
            AccountId=account, SourceParentId=source, DestinationParentId=destination
        )


def tree(server: Server, **options: Any) -> Tree:
    """A new organization of a new account."""
    owner = account(server)
    client = owner.client("organizations")
    made = client.create_organization(**options)["Organization"]
    [root] = client.list_roots()["Roots"]
    return Tree(owner, client, made["Id"], root["Id"])
