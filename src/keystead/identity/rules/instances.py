"""The rows of the operations of Keystead's own service for the agents of instances."""

from keystead.rules import CredentialKind, Rules, Severity, table
from keystead.wire.models import keystead_instances as api

_PROOF = frozenset({CredentialKind.PROOF})

INSTANCES = table(
    Rules(
        api.CreateEnrolmentToken,
        asks=("keystead-instances:CreateEnrolmentToken", "iam:PassRole"),
        severity=Severity.HIGH,
    ),
    Rules(api.EnrolAgent, asks=(), credentials=_PROOF, severity=Severity.HIGH),
    Rules(
        api.GetInstanceCredentials,
        asks=("sts:AssumeRole",),
        answer_recorded=True,
        credentials=_PROOF,
        writes_with="signature",
    ),
)
