"""Who is asking, and which of a policy's principals is that?  (IAM: Principal, NotPrincipal)"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT_ID = re.compile(r"[0-9]{12}")
ROOT = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):root")
USER = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):user/(?:.*/)?([^/]+)")
SESSION = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/([^/]+)/([^/]+)")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:.*/)?([^/]+)")
FEDERATED = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):federated-user/([^/]+)")


@dataclass(frozen=True, slots=True)
class Caller:
    """type: Account (root), User, AssumedRole, FederatedUser, Service or Anonymous."""

    type: str
    arn: str
    account: str | None = None
    name: str | None = None
    role: str | None = None
    federated_by: str | None = None  # the user who asked for a federated user's credentials

    @property
    def service_linked(self) -> bool:
        return self.role is not None and ":role/aws-service-role/" in self.role


def parse(principal: str, role: str | None) -> Caller:
    if principal == "anonymous":
        return Caller("Anonymous", principal)
    if found := ROOT.fullmatch(principal):
        return Caller("Account", principal, found[1])
    if found := USER.fullmatch(principal):
        return Caller("User", principal, found[1], found[2])
    if found := SESSION.fullmatch(principal):
        assumed = role or f"arn:aws:iam::{found[1]}:role/{found[2]}"
        return Caller("AssumedRole", principal, found[1], found[3], assumed)
    if found := ROLE.fullmatch(principal):  # some session of it, which nobody names
        session = f"arn:aws:sts::{found[1]}:assumed-role/{found[2]}/*"
        return Caller("AssumedRole", session, found[1], "*", principal)
    if found := FEDERATED.fullmatch(principal):
        return Caller("FederatedUser", principal, found[1], found[2], federated_by=role)
    return Caller("Service", principal)


def derived_keys(caller: Caller) -> dict[str, str]:
    """The condition keys that follow from the caller alone (README: derived keys)."""
    if caller.type == "Anonymous":
        return {"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}
    if caller.type == "Service":
        return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": caller.arn}
    keys = {
        "aws:PrincipalArn": caller.role or caller.arn,
        "aws:PrincipalAccount": str(caller.account),
        "aws:PrincipalType": caller.type,
        "aws:PrincipalIsAWSService": "false",
    }
    if caller.type == "User":
        keys["aws:username"] = str(caller.name)
    if caller.type == "Account":
        keys["aws:userid"] = str(caller.account)
    if caller.type == "FederatedUser":
        keys["aws:userid"] = f"{caller.account}:{caller.name}"
    return keys


def listed(element: Any) -> list[tuple[str, str]]:
    """`Principal` as pairs of type and value; a lone `*` is everyone."""
    if element == "*":
        return [("AWS", "*")]
    pairs = []
    for kind, value in element.items():
        pairs += [(kind, each) for each in (value if isinstance(value, list) else [value])]
    return pairs


def identifiers(caller: Caller) -> Mapping[str, str]:
    """Every name a policy may use for the caller → the form of that name."""
    names = {caller.arn: caller.type}
    if caller.role is not None:
        names = {caller.arn: "session", caller.role: "role"}
    if caller.federated_by is not None:
        names[caller.federated_by] = "federating user"
    if caller.account is not None:
        names[f"arn:aws:iam::{caller.account}:root"] = "account"
    return names


def forms(element: Any, caller: Caller) -> set[str]:
    """In which forms does `Principal` name the caller?

    everyone, account, User, role, session, FederatedUser, federating user, Service.
    """
    found = set()
    for kind, value in listed(element):
        if (kind, value) == ("AWS", "*"):
            found.add("everyone")
        elif kind == "AWS" and caller.type != "Service":
            name = f"arn:aws:iam::{value}:root" if ACCOUNT_ID.fullmatch(value) else value
            found |= {form for known, form in identifiers(caller).items() if known == name}
        elif kind == "Service" and caller.type == "Service" and value == caller.arn:
            found.add("Service")
    return found


def denied_by_not_principal(element: Any, caller: Caller, *, has_boundary: bool) -> bool:
    """Does Deny + NotPrincipal reach the caller?

    Everyone of whom one identifier is not listed, and everyone with a permissions boundary.
    """
    if has_boundary:
        return True
    exempt = [value for _, value in listed(element)]
    exempt += [f"arn:aws:iam::{value}:root" for value in exempt if ACCOUNT_ID.fullmatch(value)]
    return "*" not in exempt and not all(name in exempt for name in identifiers(caller))


def allowed_by_not_principal(element: Any, caller: Caller) -> bool:
    """Does Allow + NotPrincipal reach the caller? Everyone of whom no identifier is listed."""
    return not forms(element, caller)
