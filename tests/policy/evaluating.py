"""Decisions about one key, and what they were made by."""

from keystead.policy.evaluation.decision import Decision, Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    PolicySource,
    Principal,
    PrincipalType,
)
from keystead.policy.language.document import DocumentKind
from tests.policy.support import (
    OTHER,
    ROOT,
    allow,
    ceiling,
    key_policy,
    own,
    source,
    to,
)

DELEGATES = key_policy(allow(**to(ROOT)))
SILENT = key_policy(allow("kms:Sign", **to(ROOT)))
MAY = own(allow())
NOT_THIS = own(allow("kms:Sign"))
SCP, RCP = DocumentKind.SCP, DocumentKind.RCP
FULL_RCP = source({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, kind=RCP)


def scp(*statements: object) -> PolicySource:
    return ceiling(*statements, kind=SCP)  # type: ignore[arg-type]  # statements of the test


def refused_by(decision: Decision) -> PolicyKind | None:
    """The kind that refused implicitly; fails when it was allowed or explicitly denied."""
    assert decision.outcome is Outcome.IMPLICITLY_DENIED
    return decision.kind


def denied_by(decision: Decision) -> PolicyKind | None:
    assert decision.outcome is Outcome.EXPLICITLY_DENIED
    return decision.kind


def allowed_by(decision: Decision) -> PolicyKind | None:
    assert decision.outcome is Outcome.ALLOWED, decision.trace
    return decision.kind


STRANGER = Principal(
    PrincipalType.USER,
    f"arn:aws:iam::{OTHER}:user/eve",
    OTHER,
    "AIDAEVEEXAMPLE123",
    "AIDAEVEEXAMPLE123",
    "eve",
)
