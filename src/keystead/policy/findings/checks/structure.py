"""Is every element where it belongs, and of the right type?  (iam.md 4.1 to 4.3)"""

from keystead.pauses import pausing
from keystead.policy.findings.json_tree import Member, Node
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import (
    EITHER,
    IAM_TEXT,
    POLICY_ELEMENTS,
    SID,
    STATEMENT_ELEMENTS,
    VERSION_2008,
    VERSION_2012,
    DocumentKind,
)

_EMPTY = {"Action": "EMPTY_ARRAY_ACTION", "Resource": "EMPTY_ARRAY_RESOURCE"}


def check(subject: Subject) -> None:
    """Check the document as a whole, and then each statement."""
    root = subject.root
    _characters(subject)
    for member in root.members:
        if member.name not in POLICY_ELEMENTS:
            subject.add_name("INVALID_POLICY_ELEMENT", member, element=member.name)
    _version(subject)
    if (name := root.get("Id")) is not None and name.node.kind != "string":
        subject.add("DATA_TYPE_MISMATCH", name.node, type="String")
    _statements(subject)
    for statement in pausing(subject.statements, after=4):
        _elements(subject, statement)
        _effect(subject, statement)
        _sid(subject, statement)
        _actions(subject, statement)
        _resources(subject, statement)
        _principals(subject, statement)
    _sids(subject)


def _characters(subject: Subject) -> None:
    """IAM and KMS accept only some characters. An escape must not write any other."""
    if not subject.rules.iam_text:
        return
    text = subject.text
    taken = IAM_TEXT.match(text.text)
    if taken is not None and taken.end() < len(text.text):
        _not_json(subject, taken.end())
    elif "\\u" in text.text:
        for node in subject.root.walk():
            written = [(member.name, member.start) for member in node.members]
            for string, offset in [*written, (node.scalar, node.start)]:
                if isinstance(string, str) and not IAM_TEXT.fullmatch(string):
                    _not_json(subject, offset)


def _not_json(subject: Subject, offset: int) -> None:
    at = subject.text.position(offset)
    location = subject.text.location((), offset, offset)
    subject.add("JSON_SYNTAX_ERROR", location, index=offset, line=at.line, column=at.column)


def _version(subject: Subject) -> None:
    new_only = subject.rules.version_2012
    version = subject.root.get("Version")
    if version is None:
        subject.add("MISSING_VERSION", subject.root, refused=new_only)
        return
    valid = (VERSION_2012,) if new_only else (VERSION_2012, VERSION_2008)
    if version.node.kind != "string":
        subject.add("DATA_TYPE_MISMATCH", version.node, type="String")
    elif version.node.scalar not in valid:
        subject.add(
            "INVALID_VERSION", version.node, version=version.node.scalar, versions=", ".join(valid)
        )


def _statements(subject: Subject) -> None:
    element = subject.root.get("Statement")
    if element is None or (element.node.kind == "array" and not element.node.items):
        subject.add("MISSING_STATEMENT", subject.root if element is None else element.node)
        return
    several = element.node.kind == "array"
    for node in element.node.items if several else (element.node,):
        if node.kind != "object":
            subject.add("DATA_TYPE_MISMATCH", node, type="Object")


def _elements(subject: Subject, statement: WrittenStatement) -> None:
    for member in statement.node.members:
        if member.name not in STATEMENT_ELEMENTS:
            subject.add_name("INVALID_POLICY_ELEMENT", member, element=member.name)
    for plain, negation in EITHER:
        first, second = statement.get(plain), statement.get(negation)
        if first is not None and second is not None:
            places = subject.text.of_name(first), subject.text.of_name(second)
            subject.add("UNSUPPORTED_ELEMENT_COMBINATION", *places, one=plain, other=negation)


def _effect(subject: Subject, statement: WrittenStatement) -> None:
    effect = statement.get("Effect")
    if effect is None:
        subject.add("MISSING_EFFECT", statement.node)
    elif effect.node.kind != "string":
        subject.add("DATA_TYPE_MISMATCH", effect.node, type="String")
    elif effect.node.scalar not in ("Allow", "Deny"):
        subject.add("INVALID_EFFECT", effect.node, effect=effect.node.scalar, valid="Allow or Deny")


def _sid(subject: Subject, statement: WrittenStatement) -> None:
    sid = statement.get("Sid")
    if sid is None:
        return
    if sid.node.kind != "string":
        subject.add("DATA_TYPE_MISMATCH", sid.node, type="String")
    elif sid.node.scalar == "":
        subject.add("EMPTY_SID_VALUE", sid.node)
    elif subject.rules.iam_sids and not SID.fullmatch(sid.node.scalar):
        subject.add("UNSUPPORTED_SID", sid.node)


def _sids(subject: Subject) -> None:
    """Note each Sid that an earlier statement has."""
    code = "UNIQUE_SIDS_REQUIRED" if subject.rules.iam_sids else "UNIQUE_SIDS_RECOMMENDED"
    known: set[str] = set()
    for statement in pausing(subject.statements, after=4):
        sid = statement.get("Sid")
        if sid is not None and isinstance(sid.node.scalar, str) and sid.node.scalar:
            if sid.node.scalar in known:
                subject.add(code, sid.node)
            known.add(sid.node.scalar)


def _actions(subject: Subject, statement: WrittenStatement) -> None:
    element = statement.either("Action")
    if element is None:
        subject.add("MISSING_ACTION", statement.node)
        return
    _require_texts(subject, element, "Action", refused=True)
    if element.name == "NotAction" and subject.kind in (DocumentKind.TRUST, DocumentKind.RCP):
        subject.add_name("INVALID_POLICY_ELEMENT", element, element="NotAction")


def _resources(subject: Subject, statement: WrittenStatement) -> None:
    element, rules = statement.either("Resource"), subject.rules
    if not rules.resource:
        if element is not None:
            subject.add_name("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", element)
    elif element is None:
        subject.add("MISSING_RESOURCE", statement.node)
    if element is not None:
        _require_texts(subject, element, "Resource", refused=True)


def _principals(subject: Subject, statement: WrittenStatement) -> None:
    """Is the element allowed here?  `principals` checks its content."""
    element, kind = statement.either("Principal"), subject.kind
    if not subject.rules.principal:
        if element is not None and kind is DocumentKind.SCP:
            subject.add_name("SCP_SYNTAX_ERROR_PRINCIPAL", element)
        elif element is not None:
            subject.add_name("UNSUPPORTED_PRINCIPAL", element, policy_type="IDENTITY_POLICY")
    elif element is None:
        subject.add("MISSING_PRINCIPAL", statement.node)
    elif element.name == "NotPrincipal" and kind is DocumentKind.TRUST:
        subject.add_name("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", element)
    elif element.name == "NotPrincipal" and kind is DocumentKind.RCP:
        subject.add_name("INVALID_POLICY_ELEMENT", element, element="NotPrincipal")


def _require_texts(subject: Subject, element: Member, name: str, *, refused: bool) -> None:
    """The element must be a string or a list of strings."""
    node = element.node
    if node.kind == "array":
        if not node.items:
            subject.add(_EMPTY[name], node, refused=refused)
        for item in node.items:
            _require_text(subject, item)
    else:
        _require_text(subject, node)


def _require_text(subject: Subject, node: Node) -> None:
    if node.kind != "string":
        subject.add("DATA_TYPE_MISMATCH", node, type="String")
