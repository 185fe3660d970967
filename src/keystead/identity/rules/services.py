"""The rows of our own operations: about services of the site (0051, 0052), directories (0061)."""

from keystead.rules import CredentialKind, Rules, Severity, table
from keystead.wire.models import keystead as api

SERVICES = table(
    Rules(
        api.AssignDirectoryRole,
        asks=("keystead:AssignDirectoryRole", "iam:PassRole"),
        severity=Severity.HIGH,
    ),
    Rules(api.DeregisterService, severity=Severity.HIGH),
    Rules(
        api.ForwardAccess,
        credentials=frozenset({CredentialKind.SERVICE}),
        answer_recorded=False,
        quotas=lambda _: ("ForwardAccess",),
    ),
    Rules(api.ListDirectoryAssignments),
    Rules(api.ListServices),
    Rules(
        api.PassRole,
        asks=("iam:PassRole",),
        credentials=frozenset({CredentialKind.FORWARDED}),
        quotas=lambda _: ("ForwardAccess",),
    ),
    Rules(
        api.RegisterService,
        asks=("keystead:RegisterService", "iam:CreateAccessKey"),
        severity=Severity.HIGH,
    ),
    Rules(
        api.RotateServiceKey,
        asks=("keystead:RotateServiceKey", "iam:CreateAccessKey"),
        severity=Severity.HIGH,
    ),
    Rules(api.UnassignDirectoryRole, severity=Severity.HIGH),
)
