"""How does a person sign in?  Steps, sessions, and the verifier of the console's listener."""

from keystead.identity.signin import held, logins
from keystead.identity.signin.asked import (
    broker_shapes,
    directory_shapes,
    federated_shapes,
    role_shapes,
    shapes,
)
from keystead.identity.signin.outside import PAGE, outsider_signed_in
from keystead.identity.signin.rules import SIGNIN
from keystead.identity.signin.served import IMPLEMENTATIONS
from keystead.identity.signin.sessions import (
    COOKIE,
    IDLE_SECONDS,
    SESSION_SECONDS,
    STEP_SECONDS,
    WAYS,
    Choice,
    Outsider,
    SignInsOver,
    Visitors,
    Way,
    cookie_of,
)
from keystead.identity.signin.steps import is_destination
from keystead.identity.signin.webauthn import Asserted, site_of

__all__ = (
    "COOKIE", "IDLE_SECONDS", "IMPLEMENTATIONS", "PAGE", "SESSION_SECONDS", "SIGNIN",
    "STEP_SECONDS", "WAYS", "Asserted", "Choice", "Outsider", "SignInsOver", "Visitors", "Way",
    "broker_shapes",
    "cookie_of", "directory_shapes", "federated_shapes", "held", "is_destination", "logins",
    "outsider_signed_in", "role_shapes", "shapes", "site_of",
)  # fmt: skip
