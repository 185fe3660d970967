"""How does a program get the session of a person who signs in with a browser?  (sign-in.md 4.12)"""

from keystead.identity.signin.logins import shapes
from keystead.identity.signin.logins.proofs import normal
from keystead.identity.signin.logins.requests import (
    AUTHORIZE,
    CONFIRMATION,
    PARAMETERS,
    REVOKE,
    TOKEN,
    Authorization,
    NotAnAuthorization,
    read,
)
from keystead.identity.signin.logins.rules import OF_PERSONS, OF_PROGRAMS
from keystead.identity.signin.logins.served import BY_PERSONS, BY_PROGRAMS
from keystead.identity.signin.logins.sessions import MOST_HOURS
from keystead.identity.signin.logins.sessions import facts as facts_of

__all__ = (
    "AUTHORIZE", "BY_PERSONS", "BY_PROGRAMS", "CONFIRMATION", "MOST_HOURS", "OF_PERSONS",
    "OF_PROGRAMS", "PARAMETERS", "REVOKE", "TOKEN", "Authorization", "NotAnAuthorization",
    "facts_of", "normal", "read", "shapes",
)  # fmt: skip
