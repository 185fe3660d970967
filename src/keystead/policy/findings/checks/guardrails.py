"""Is the document short enough, and does it keep the rules for an organization's policies?

The sizes stand in iam.md 2.5 and kms.md 10.3. The rules for resource control policies stand in
iam.md 4.3.
"""

from keystead.pauses import pausing
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import (
    GREATEST_SIZES,
    MANAGED_POLICY_SIZE,
    TRUST_POLICY_SIZE,
    DocumentKind,
    document_size,
)

_SIZES = {  # kind -> the issue, and the size above which AWS finds it
    DocumentKind.IDENTITY: ("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", MANAGED_POLICY_SIZE),
    DocumentKind.TRUST: ("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", TRUST_POLICY_SIZE),
    DocumentKind.KEY: (
        "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
        GREATEST_SIZES[DocumentKind.KEY],
    ),
    DocumentKind.SCP: ("POLICY_SIZE_EXCEEDS_SCP_QUOTA", GREATEST_SIZES[DocumentKind.SCP]),
    DocumentKind.RCP: ("POLICY_SIZE_EXCEEDS_RCP_QUOTA", GREATEST_SIZES[DocumentKind.RCP]),
}


def check(subject: Subject) -> None:
    _size(subject)
    if subject.kind is DocumentKind.RCP:
        for statement in pausing(subject.statements, after=4):
            _resource_control(subject, statement)


def _size(subject: Subject) -> None:
    code, quota = _SIZES.get(subject.kind, ("", 0))
    size = document_size(subject.text.text, subject.kind)
    if code and size > quota:
        refused = size > GREATEST_SIZES[subject.kind]
        subject.add(
            code, subject.root, refused=refused, size=size, kind=subject.kind.value, quota=quota
        )


def _resource_control(subject: Subject, statement: WrittenStatement) -> None:
    """An RCP only denies, service by service. AWS's own full access is allowed."""
    effect, everything = statement.get("Effect"), statement.texts("Action")
    if statement.allow and effect is not None:
        full = [node.scalar for node in everything] == ["*"]
        full = full and [node.scalar for node in statement.texts("Resource")] == ["*"]
        if not full or any(statement.conditions()):
            subject.add("INVALID_EFFECT", effect.node, effect="Allow", valid="Deny")
        return
    for node in everything:
        if node.scalar == "*":
            hint = " Name the service of the actions."
            subject.add("INVALID_ACTION", node, action="*", hint=hint)
