"""Which cookies has a browser?  (threat-model CO-1; sign-in.md 4.1)

    __Host-ks         a session
    __Host-ks-signin  a step of a sign-in; before the first, a sign that cookies come back
    __Host-ks-next    the page that was asked for before a sign-in; the server has its path
    __Host-ks-names   account and user name, for people who want them remembered
    __Host-ks-arrive  a browser that went to a provider of identities, so that it alone comes back
    __Host-ks-known   that somebody signed in here: strangers' tries are not counted against it

Browsers send `__Host-` cookies to this host alone, over TLS or to localhost. No script reads them.
They are not `Strict`: a browser does not send such cookies when a page elsewhere leads here.
"""

import base64
import binascii
from urllib.parse import quote, unquote

from starlette.responses import Response

from keystead.console.visits.visits import Visit
from keystead.identity.signin import COOKIE, cookie_of

SESSION, STEP, NAMES = COOKIE, "__Host-ks-signin", "__Host-ks-names"
KNOWN, NEXT = "__Host-ks-known", "__Host-ks-next"
ARRIVING = "__Host-ks-arrive"
NO_STEP = "none"
_YEAR = 365 * 86_400  # seconds
_LONGEST = 400


def value(visit: Visit, name: str) -> str:
    """The value of a cookie; "" if it is not there exactly once."""
    return cookie_of(visit.request, name)


def give(response: Response, name: str, text: str, seconds: int | None = None) -> None:
    """Let the browser keep a cookie; without `seconds` until it is closed."""
    response.set_cookie(
        name, text, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )


def take(response: Response, name: str) -> None:
    """Let the browser forget a cookie."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def sign_out(response: Response) -> None:
    """Let the browser forget a session, and what it kept of its pages."""
    for name in (SESSION, STEP):
        take(response, name)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def know(response: Response, token: str) -> None:
    """Let the browser be known to its person for a year."""
    give(response, KNOWN, token, _YEAR)


def remember(response: Response, account: str, user: str) -> None:
    """Remember the names of a user for a year."""
    text = f"{quote(account)}/{quote(user)}"
    give(response, NAMES, base64.urlsafe_b64encode(text.encode()).decode().rstrip("="), _YEAR)


def remembered(visit: Visit) -> tuple[str, str]:
    """The account and the user name that are remembered, or empty texts."""
    text = value(visit, NAMES)
    if not text or len(text) > _LONGEST:
        return "", ""
    try:
        account, _, user = (
            base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("/")
        )
    except (ValueError, binascii.Error):
        return "", ""
    return unquote(account), unquote(user)
