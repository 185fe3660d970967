"""The rows of the operations of sessions for the command line."""

from keystead.identity.signin.logins import shapes
from keystead.identity.signin.logins.allowing import ALLOW
from keystead.identity.signin.logins.tokens import GIVE
from keystead.rules import IN_PERSON, CredentialKind, Rules, table

_PROOF = frozenset({CredentialKind.PROOF})

OF_PERSONS = table(
    Rules(
        shapes.AUTHORIZE,
        asks=(ALLOW,),
        answer_recorded=False,
        credentials=IN_PERSON,
    ),
    Rules(shapes.END_LOGIN, asks=(), answer_recorded=False, credentials=IN_PERSON),
    Rules(shapes.LIST_LOGINS, asks=(), answer_recorded=False, credentials=IN_PERSON),
)
"""On the console's listener alone."""

OF_PROGRAMS = table(
    Rules(shapes.CREATE_TOKEN, asks=(GIVE,), answer_recorded=False, credentials=_PROOF),
    Rules(shapes.REVOKE_TOKEN, asks=(), answer_recorded=False, credentials=_PROOF),
)
"""On the API's listeners, too."""
