"""Sign-ins of browsers, sign-ins by a provider, and sessions for the command line."""

from keystead.identity.repository.signin.arrivals import Arrival, Arrivals, Awaited
from keystead.identity.repository.signin.going import Due, Going, due_of
from keystead.identity.repository.signin.logins import (
    Client,
    Login,
    LoginCode,
    Logins,
    TooManyProofs,
)
from keystead.identity.repository.signin.sign_in_providers import SignInProvider, SignInProviders
from keystead.identity.repository.signin.sign_ins import (
    ATTEMPTS_SECONDS,
    NO_FACTS,
    SignIn,
    SignInAttempts,
    SignInFacts,
    SignIns,
    Stage,
    UsedRole,
)

__all__ = (
    "ATTEMPTS_SECONDS",
    "NO_FACTS",
    "Arrival",
    "Arrivals",
    "Awaited",
    "Client",
    "Due",
    "Going",
    "Login",
    "LoginCode",
    "Logins",
    "SignIn",
    "SignInAttempts",
    "SignInFacts",
    "SignInProvider",
    "SignInProviders",
    "SignIns",
    "Stage",
    "TooManyProofs",
    "UsedRole",
    "due_of",
)
