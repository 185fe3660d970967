"""The rows of the operations for services of the site, which are ours (decision 0052)."""

from keystead.rules import CredentialKind, Rules, table
from keystead.wire.models import keystead as api

SERVICES = table(
    Rules(
        api.ForwardAccess,
        credentials=frozenset({CredentialKind.SERVICE}),
        answer_recorded=False,
        quotas=lambda _: ("ForwardAccess",),
    ),
    Rules(
        api.PassRole,
        asks=("iam:PassRole",),
        credentials=frozenset({CredentialKind.FORWARDED}),
        quotas=lambda _: ("ForwardAccess",),
    ),
)
