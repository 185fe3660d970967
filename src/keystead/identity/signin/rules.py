"""The rows of the operations of sign-in. None of them asks a policy: a person proves who it is."""

from keystead.identity.signin import shapes
from keystead.rules import IN_PERSON, CredentialKind, Rules, table

_OPEN = frozenset({CredentialKind.PROOF})

SIGNIN = table(
    Rules(
        shapes.CHANGE_ROOT_PASSWORD,
        asks=(),
        answer_recorded=False,
        credentials=frozenset({CredentialKind.CONSOLE_ROOT}),
    ),
    Rules(shapes.CHECK_MFA, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.CONSOLE_LOGIN, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.CONSOLE_LOGOUT, asks=(), answer_recorded=False, credentials=IN_PERSON),
    Rules(shapes.DESCRIBE_SESSION, asks=(), answer_recorded=False, credentials=IN_PERSON),
    Rules(shapes.DESCRIBE_STEP, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.UPDATE_PASSWORD, asks=(), answer_recorded=False, credentials=_OPEN),
)
