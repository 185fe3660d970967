"""Which callers do the principals name, and may they be named?  (iam.md 4.4)"""

from keystead.pauses import pausing
from keystead.policy.findings.checks.variables import starts
from keystead.policy.findings.json_tree import Member, Node
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import (
    EVERYBODY,
    PRINCIPAL_TYPES,
    DocumentKind,
    InvalidPrincipal,
    compile_principals,
)
from keystead.policy.text import ascii_lower

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".aws.internal")
_SOURCES = frozenset(
    {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}
)
_NOT_OF_SERVICES = (  # keys that only users, roles and their sessions have
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltag/",
    "aws:username",
    "aws:sourceidentity",
    "aws:federatedprovider",
)
_INVALID = {
    "Service": "INVALID_SERVICE_PRINCIPAL_FORMAT",
    "Federated": "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
}


def check(subject: Subject) -> None:
    if not subject.rules.principal:
        return
    for statement in pausing(subject.statements, after=4):
        element = statement.either("Principal")
        if element is not None:
            _element(subject, statement, element)
            _not_principal(subject, statement, element)
            _services(subject, statement)


def _element(subject: Subject, statement: WrittenStatement, element: Member) -> None:
    node = element.node
    if subject.kind is DocumentKind.RCP:
        if node.scalar != EVERYBODY:
            subject.add("INVALID_PRINCIPAL_FORMAT", node)
    elif node.kind == "object":
        if not node.members:
            subject.add("EMPTY_OBJECT_PRINCIPAL", node, refused=True)
        for member in node.members:
            _names(subject, member)
    elif node.scalar != EVERYBODY:
        subject.add("INVALID_PRINCIPAL_FORMAT", node)
    elif subject.kind is DocumentKind.TRUST:
        subject.add("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", node)
    _sessions(subject, statement)


def _names(subject: Subject, member: Member) -> None:
    """Check the names of one type of principal."""
    kind = member.name
    # Only S3 knows canonical users. In other services nobody has such a name.
    canonical = kind == "CanonicalUser" and subject.kind is DocumentKind.RESOURCE
    if kind not in PRINCIPAL_TYPES or (kind == "CanonicalUser" and not canonical):
        subject.add_name("INVALID_PRINCIPAL_KEY", member, key=kind)
        return
    several = member.node.kind == "array"
    if several and not member.node.items:
        subject.add("EMPTY_ARRAY_PRINCIPAL", member.node, refused=True)
    for node in member.node.items if several else (member.node,):
        if node.kind != "string":
            subject.add("DATA_TYPE_MISMATCH", node, type="String")
        elif not canonical:
            _name(subject, kind, node)


def _name(subject: Subject, kind: str, node: Node) -> None:
    name: str = node.scalar
    trust = subject.kind is DocumentKind.TRUST
    if kind == "AWS" and name == EVERYBODY:
        if trust:
            subject.add("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", node)
        return
    for start, length in starts(name):
        location = subject.text.of_part(node, start, length)
        subject.add(
            "VARIABLE_UNSUPPORTED_IN_ELEMENT", location, variable=name[start : start + length]
        )
    if kind == "Federated" and not trust:
        subject.add("FEDERATED_PRINCIPAL_NOT_SUPPORTED", node)
    elif "*" in name or "?" in name:
        subject.add("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", node, key=kind)
    elif not _is_valid(kind, name, subject.partition) or (
        kind == "Service" and not name.endswith(_AMAZON)
    ):
        subject.add(_INVALID.get(kind, "INVALID_PRINCIPAL_FORMAT"), node)
    elif kind == "AWS" and name.startswith("AROA"):
        subject.add("INVALID_ROLE_REFERENCE", node, id=name)
    elif kind == "AWS" and name.startswith("AIDA"):
        subject.add("INVALID_USER_REFERENCE", node, id=name)


def _is_valid(kind: str, name: str, partition: str) -> bool:
    try:
        compile_principals({kind: (name,)}, None, PRINCIPAL_TYPES, partition)
    except InvalidPrincipal:
        return False
    return True


def _not_principal(subject: Subject, statement: WrittenStatement, element: Member) -> None:
    """Note an Allow for everybody else. A key policy with it is refused."""
    if element.name == "NotPrincipal" and statement.allow:
        refused = subject.kind is DocumentKind.KEY
        subject.add("ALLOW_WITH_NOT_PRINCIPAL", subject.text.of_name(element), refused=refused)


def _services(subject: Subject, statement: WrittenStatement) -> None:
    """A statement that admits a service should say for which source the service works."""
    services = statement.principals("Service")
    if not services or not statement.allow:
        return
    alone = not statement.principals("AWS")
    for _, key in statement.conditions() if alone else ():
        if ascii_lower(key.name).startswith(_NOT_OF_SERVICES):
            location = subject.text.of_name(key)
            subject.add("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", location, key=key.name)
    if subject.kind is DocumentKind.TRUST:
        return
    keys = statement.keys()
    context = any(key.startswith("kms:encryptioncontext") for key in keys)
    if not context and _SOURCES.isdisjoint(keys):
        for node in services:
            subject.add("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", node)


def _sessions(subject: Subject, statement: WrittenStatement) -> None:
    """Note a session that a trust policy names beside its own role."""
    if subject.kind is not DocumentKind.TRUST:
        return
    nodes = statement.principals("AWS")
    roles = {_role(node.scalar): node.scalar for node in nodes if ":role/" in node.scalar}
    for node in pausing(nodes):
        if ":assumed-role/" in node.scalar and (role := roles.get(_role(node.scalar))):
            subject.add(
                "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", node, principal=node.scalar, role=role
            )


def _role(arn: str) -> tuple[str, str]:
    """The account and the name of a role, from its ARN or from the ARN of its session."""
    account, _, rest = arn.split("::", 1)[-1].partition(":")
    parts = rest.split("/")
    return account, parts[1] if parts[0] == "assumed-role" and len(parts) > 1 else parts[-1]
