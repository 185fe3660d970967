"""Which sign-ins by a provider are on their way, and which browser began each?

    handle   account "." 43 characters of 256 random bits: RelayState, state, `h` of a URL of ours
    row      SHA-256 of the incarnation and the handle; SHA-256 of the browser's cookie

A handle is seen by a provider and stands in URLs. So it is worth nothing without the cookie of the
browser that began. Whoever posts an assertion of its own into somebody's browser, or sends
somebody a link, gets nobody signed in (login CSRF). Each handle is good once.
"""

import base64
import hmac
import re
from hashlib import sha256

from keystead.custody.randomness import urandom
from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.repository import Arrival, Awaited
from keystead.identity.signin.asked import FederationRefused, SignInEnded

STARTED_SECONDS = 600  # until the answer of the provider
ARRIVED_SECONDS = 60  # until the browser goes on
SEEN_SECONDS = 300  # until its person has clicked
_HANDLE = re.compile(r"\A([0-9]{12})\.[A-Za-z0-9_-]{43}\Z")
_BROWSER = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")


def is_handle(text: str) -> bool:
    """Has this text the form of a handle?"""
    return _HANDLE.match(text) is not None


def browser_of(cookie: str) -> str:
    """The cookie of a browser: the one that it has, or a new one."""
    return cookie if _BROWSER.match(cookie) else _random()


def begin(
    call: SigninCall,
    stage: Awaited,
    provider: tuple[str, str],
    browser: str,
    *,
    solicited: bool = True,
    evidence: bytes = b"",
) -> str:
    """Keep a sign-in that waits for something; returns its handle. `browser` is a digest."""
    account, provider_id = provider
    handle, now = f"{account}.{_random()}", times.stored(call.now)
    arrived = SEEN_SECONDS if not solicited else ARRIVED_SECONDS
    arrival = Arrival(
        account=account,
        arrival_id=_id(call, handle),
        stage=stage,
        provider_id=provider_id,
        browser=browser,
        solicited=int(solicited),
        began=now,
        expires=now + (arrived if stage == "browser" else STARTED_SECONDS),
    )
    call.repository.arrivals.insert(call.transaction, arrival, evidence)
    return handle


def find(call: SigninCall, handle: str, stage: Awaited) -> Arrival | None:
    """The sign-in with this handle, if it waits for this, and its account was open all the time."""
    match = _HANDLE.match(handle)
    if match is None:
        return None
    arrival = call.repository.arrivals.get(call.transaction, match[1], _id(call, handle))
    if arrival is None or arrival.stage != stage or times.stored(call.now) >= arrival.expires:
        return None
    accounts, reader = call.repository.accounts, call.transaction
    account = accounts.get(reader, arrival.account)
    if account is None or not accounts.is_open_since(reader, account, arrival.began):
        return None
    return arrival


def of_browser(call: SigninCall, handle: str, cookie: str, *, clicked: bool) -> Arrival:
    """The proved sign-in with which this browser goes on.

    Raises SignInEnded, and FederationRefused for another browser.
    """
    arrival = find(call, handle, "browser")
    if arrival is None:
        raise SignInEnded
    if not clicked and times.stored(call.now) >= arrival.began + ARRIVED_SECONDS:
        raise SignInEnded
    require_browser(arrival, cookie)
    return arrival


def require_browser(arrival: Arrival, cookie: str) -> None:
    """Refuse another browser than the one that began."""
    if not hmac.compare_digest(arrival.browser, digest(cookie)):
        raise FederationRefused("the sign-in began in another browser, or long ago")


def digest(cookie: str) -> str:
    """What is stored of a browser's cookie."""
    return sha256(cookie.encode()).hexdigest()


def _id(call: SigninCall, handle: str) -> str:
    return sha256(f"{call.incarnation} arrival {handle}".encode()).hexdigest()


def _random() -> str:
    return base64.urlsafe_b64encode(urandom(32)).decode("ascii").rstrip("=")
