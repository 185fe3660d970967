"""Which callers does a Principal element mean?  (iam.md 4.4, 5.4, 11.3)

Each name is resolved before it is kept:

- A user or role becomes its unique id. So a namesake that is made later inherits nothing.
- An account becomes its twelve digits.
- A session becomes the id of its role and its session name.

Without a resolution, as in `keystead decide`, a user or role keeps its ARN.

A statement may name the caller more or less exactly. That decides which other policies still bind
the caller (`Grade`). A NotPrincipal exempts a caller only when it lists every name of the caller.
"""

import re
from collections.abc import Mapping
from enum import IntEnum

import msgspec

from keystead.arns import PARTITIONS, partition_in
from keystead.policy.language.grammar import EVERYBODY, Names
from keystead.policy.language.principal import UNBOUND, Principal, PrincipalType

WEB_PROVIDERS = frozenset(
    {
        "accounts.google.com",
        "www.amazon.com",
        "graph.facebook.com",
        "cognito-identity.amazonaws.com",
    }
)

PARTITION = r"arn:aws[a-z-]*:"
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNIQUE_ID = re.compile(r"(?:AIDA|AROA)[A-Z0-9]{12,124}")
_AWS_ARN = re.compile(
    rf"{PARTITION}(?:"
    r"iam::[0-9]{12}:(?:root|(?:user|role)/[\x21-\x7e]+)"
    r"|sts::[0-9]{12}:(?:assumed-role/[^/\s]+/[^/\s]+|federated-user/[^/\s]+))"
)
_ROOT = re.compile(rf"{PARTITION}iam::([0-9]{{12}}):root")
_FEDERATED_USER = re.compile(rf"{PARTITION}sts::[0-9]{{12}}:federated-user/[^/\s]+")
_SESSION = re.compile(rf"{PARTITION}sts::[0-9]{{12}}:assumed-role/[^/]+/([^/]+)")
_FORMS = {
    "Service": re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+"),
    "Federated": re.compile(rf"{PARTITION}iam::[0-9]{{12}}:(?:saml|oidc)-provider/[\x21-\x7e]+"),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}"),  # S3's; no caller here is one
}


class Grade(IntEnum):
    """How exactly a statement names the caller. A higher grade leaves fewer policies binding."""

    NOBODY = 0
    ACCOUNT = 1  # the caller's account: delegates to its identity-based policies
    LIMITED = 2  # the role of a session, the user who federated: boundary and session still bind
    DIRECT = 3  # the user, session or service itself, or everybody


# The members have names of their own, because enforcement reads them in every decision.
_NOBODY, _BY_ACCOUNT, _LIMITED, _DIRECT = Grade
_USER, _ROLE = PrincipalType.USER, PrincipalType.ASSUMED_ROLE


class InvalidPrincipal(ValueError):
    """A name that cannot be a principal, or that names nobody."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(name)
        self.kind = kind
        self.name = name


class Principals(msgspec.Struct, frozen=True):
    """A resolved Principal element. AWS names, service names and provider names never collide."""

    names: frozenset[str]
    everybody: bool
    bearers: bool = True
    """Does everybody include the bearers of assertions?  Not in an Allow of a trust policy: there a
    provider must be named, for else any provider of the account would let in all of its people."""

    def grade(self, who: Principal, bounded: bool) -> Grade:  # noqa: ARG002  # see Others
        """How the element names the caller; `bounded`: the caller has a permissions boundary."""
        if self.everybody and (self.bearers or who.type is not PrincipalType.FEDERATED):
            return _DIRECT
        names, kind = self.names, who.type
        if kind is _USER:
            if who.unique_id in names or who.arn in names:
                return _DIRECT
        elif kind is _ROLE:
            if who.user_id in names or who.arn in names:
                return _DIRECT
            if who.unique_id in names or not names.isdisjoint((who.issuer_arn, who.principal_arn)):
                return _LIMITED
        elif kind is PrincipalType.FEDERATED_USER:
            if who.arn in names:
                return _DIRECT
            if who.issuer_id in names or who.issuer_arn in names:
                return _LIMITED
        elif kind is PrincipalType.ACCOUNT:
            return _DIRECT if who.account in names else _NOBODY
        elif kind is PrincipalType.SERVICE:
            return _NOBODY if names.isdisjoint(who.service_names) else _DIRECT
        else:
            return _DIRECT if who.issuer_arn in names else _NOBODY
        return _BY_ACCOUNT if who.account in names else _NOBODY


class AllBut(msgspec.Struct, frozen=True):
    """A NotPrincipal element of an Allow: it means the callers without a listed name."""

    exempt: Principals

    def grade(self, who: Principal, bounded: bool) -> Grade:
        """DIRECT, unless the list names the caller in any way."""
        named = self.exempt.grade(who, bounded)
        return Grade.DIRECT if named is Grade.NOBODY else Grade.NOBODY


class Others(msgspec.Struct, frozen=True):
    """A NotPrincipal element of a Deny: it means the callers with a name that is not listed."""

    exempt: Principals

    def grade(self, who: Principal, bounded: bool) -> Grade:
        """DIRECT, unless every name of the caller is listed.

        AWS may test account, role and session in turn, and denies if one of them is not listed. A
        caller who has a permissions boundary is always denied.
        """
        if bounded and who.type not in UNBOUND:
            return Grade.DIRECT
        if self.exempt.everybody:
            return Grade.NOBODY
        names, kind = self.exempt.names, who.type
        if kind is PrincipalType.SERVICE:
            return Grade.DIRECT if names.isdisjoint(who.service_names) else Grade.NOBODY
        if kind in (PrincipalType.FEDERATED, PrincipalType.ANONYMOUS):
            return Grade.NOBODY if who.issuer_arn in names else Grade.DIRECT
        listed = all(not names.isdisjoint(spellings) for spellings in _identifiers(who))
        return Grade.NOBODY if listed else Grade.DIRECT


def _identifiers(who: Principal) -> list[tuple[str, ...]]:
    """The identifiers that AWS may test in turn, each in every spelling that a policy may use."""
    identifiers: list[tuple[str, ...]] = [(who.account,)]
    if who.type is PrincipalType.USER:
        identifiers.append((who.unique_id, who.arn))
    elif who.type is PrincipalType.ASSUMED_ROLE:
        identifiers.append((who.user_id, who.arn))
        identifiers.append((who.unique_id, who.issuer_arn, who.principal_arn))
    elif who.type is PrincipalType.FEDERATED_USER:
        identifiers.append((who.arn,))
        if who.issuer_arn:
            identifiers.append((who.issuer_id, who.issuer_arn))
    return identifiers


PrincipalElement = Principals | AllBut | Others


def compile_principals(
    written: Names,
    resolved: Mapping[str, str] | None,
    types: frozenset[str],
    partition: str = "",
) -> Principals:
    """The meaning of a principal element; raises InvalidPrincipal.

    `resolved` gives the unique id of every AWS name. With None, each name stands for itself, and
    its ARN must be of this `partition` ("" accepts every known partition). `types` are the types of
    principal that this kind of document knows, beside AWS.
    """
    names: set[str] = set()
    everybody = False
    if not written or not all(written.values()):
        raise InvalidPrincipal("AWS", "")
    for kind, listed in written.items():
        for name in listed:
            if kind == "AWS" and name == EVERYBODY:
                everybody = True
            elif kind == "AWS":
                names.add(_aws_name(name, resolved, partition))
            elif kind in types and _has_form(kind, name):
                names.add(name)
            else:
                raise InvalidPrincipal(kind, name)
    return Principals(frozenset(names), everybody)


def _has_form(kind: str, name: str) -> bool:
    if kind == "Federated" and name in WEB_PROVIDERS:
        return True
    return not _has_wildcard(name) and _FORMS[kind].fullmatch(name) is not None


def _has_wildcard(name: str) -> bool:
    return "*" in name or "?" in name


def _aws_name(name: str, resolved: Mapping[str, str] | None, partition: str) -> str:
    """An AWS name, resolved; raises InvalidPrincipal."""
    if not is_aws_name(name):
        raise InvalidPrincipal("AWS", name)
    account = account_named(name)
    if resolved is None:
        known = (partition,) if partition else PARTITIONS
        if name.startswith("arn:") and partition_in(name) not in known:
            raise InvalidPrincipal("AWS", name)
        return account or name
    unique_id = resolved.get(name)
    if unique_id is None and account == name:  # it was resolved under its root's ARN
        roots = (root_arn(account, each) for each in PARTITIONS)
        unique_id = next((resolved[root] for root in roots if root in resolved), None)
    if unique_id is None:
        raise InvalidPrincipal("AWS", name)
    if account is not None:
        return account
    if session := _SESSION.fullmatch(name):
        return f"{unique_id}:{session[1]}"
    # A path may have colons, so a part of the name does not tell that it is a federated user's.
    return name if _FEDERATED_USER.fullmatch(name) else unique_id


def account_named(name: str) -> str | None:
    """The account that a name stands for: twelve digits, or its root ARN."""
    if _ACCOUNT.fullmatch(name):
        return name
    match = _ROOT.fullmatch(name)
    return match[1] if match else None


def root_arn(account: str, partition: str = "aws") -> str:
    """The ARN by which AWS writes an account as a principal."""
    return f"arn:{partition}:iam::{account}:root"


def is_aws_name(name: str) -> bool:
    """Has this name the form of an AWS principal other than `*`?"""
    if _has_wildcard(name):
        return False
    return any(form.fullmatch(name) for form in (_ACCOUNT, _UNIQUE_ID, _AWS_ARN))
