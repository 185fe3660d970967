"""Which mistakes has this document, and where?  AWS's ValidatePolicy (iam.md 1.13), pure.

    findings(text, kind)     every finding, in the order of the document

INVARIANT: a document that cannot be stored as this kind has a finding of type ERROR. The checks
read the same tables and functions as the validation of a document that is being written. If the
checks miss a mistake that the validation refuses, the reason of the validation is the finding.
"""

from contextlib import suppress

from keystead.pauses import pausing
from keystead.policy.findings.checks import (
    actions,
    conditions,
    guardrails,
    permissions,
    principals,
    redundancy,
    resources,
    structure,
    trust,
)
from keystead.policy.findings.json_tree import Node, NotJson, Text, read
from keystead.policy.findings.report import EnoughFound, PolicyFinding, Report
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import (
    VERSION_2012,
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    dialect_of,
)

__all__ = ["PolicyFinding", "checked", "findings", "is_trust_policy"]

_CHECKS = (
    structure.check,
    principals.check,
    actions.check,
    resources.check,
    conditions.check,
    trust.check,
    guardrails.check,
    permissions.check,
    redundancy.check,
)


def findings(
    text: str,
    kind: DocumentKind,
    *,
    resource_type: str = "",
    any_key: bool = False,
    partition: str = "aws",
) -> tuple[PolicyFinding, ...]:
    """Every finding about a document of this kind.

    `resource_type` is the type of the resource that the policy is attached to, as ValidatePolicy
    names it. With `any_key`, condition keys that never have a value here are accepted. `partition`
    is the partition of the document's ARNs.
    """
    report = _examine(text, kind, resource_type, partition, any_key=any_key)
    if not report.has_errors and kind is not DocumentKind.RESOURCE:
        try:
            compile_policy(
                text, kind, accept_unsupported_condition_keys=any_key, partition=partition
            )
        except MalformedPolicy as refused:
            whole = Text(text).location((), 0, len(text))
            report.add("INVALID_POLICY_ELEMENT", whole, element=f"({refused.detail})")
    return tuple(report.sorted())


def checked(text: str, kind: DocumentKind, *, any_key: bool = False) -> list[PolicyFinding]:
    """The findings of the checks alone, without those of the validation."""
    return _examine(text, kind, "", "aws", any_key=any_key).sorted()


def is_trust_policy(text: str) -> bool:
    """Is this resource-based policy a role trust policy?

    It is if every statement names only actions of STS, and no resource.
    """
    try:
        written = _statements(read(text))
    except NotJson:
        return False
    return bool(written) and all(
        statement.either("Resource") is None
        and statement.actions()
        and all(action.startswith("sts:") for action in statement.actions())
        for statement in written
    )


def _statements(root: Node) -> tuple[WrittenStatement, ...]:
    element = root.get("Statement")
    nodes = () if element is None else (element.node.items or (element.node,))
    return tuple(WrittenStatement(node) for node in nodes if node.kind == "object")


def _examine(
    text: str, kind: DocumentKind, resource_type: str, partition: str, *, any_key: bool
) -> Report:
    report, document = Report(), Text(text)
    try:
        root = read(text)
    except NotJson as refused:
        at = document.position(refused.offset)
        location = document.location((), refused.offset, refused.offset)
        report.add("JSON_SYNTAX_ERROR", location, index=at.offset, line=at.line, column=at.column)
        return report
    if root.kind != "object":
        report.add("DATA_TYPE_MISMATCH", document.of(root), type="Object")
        return report
    version = root.get("Version")
    dialect = dialect_of(
        kind, variables=version is not None and version.node.scalar == VERSION_2012
    )
    subject = Subject(
        text=document,
        root=root,
        kind=kind,
        resource_type=resource_type,
        any_key=any_key,
        partition=partition,
        dialect=dialect,
        statements=_statements(root),
        report=report,
    )
    with suppress(EnoughFound):
        for check in pausing(_CHECKS, after=1):
            check(subject)
    return report
