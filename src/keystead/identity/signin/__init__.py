"""How does a person sign in?  Steps, sessions, and the verifier of the console's listener."""

from keystead.identity.signin import shapes
from keystead.identity.signin.rules import SIGNIN
from keystead.identity.signin.served import IMPLEMENTATIONS
from keystead.identity.signin.sessions import IDLE_SECONDS, SESSION_SECONDS, STEP_SECONDS
from keystead.identity.signin.visitors import COOKIE, Visitors, cookie_of

__all__ = (
    "COOKIE", "IDLE_SECONDS", "IMPLEMENTATIONS", "SESSION_SECONDS", "SIGNIN", "STEP_SECONDS",
    "Visitors", "cookie_of", "shapes",
)  # fmt: skip
