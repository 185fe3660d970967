"""Is the id token the one that was asked for?  (OpenID Connect Core 1.0, 3.1.3.7)

It came from the token endpoint over TLS, so its signature is not tried here: (3.1.3.7, step 6). The
server tries it. What only the program knows is looked at here: that the token is of the provider
that was asked, for this client, and of this very sign-in (the nonce).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from typing import Any

from keystead import strictjson
from keystead.agent.server import Shown
from keystead.failures import Failure

_OTHERS = re.compile(r"[^A-Za-z0-9_+=,.@-]+")


def require_ours(token: str, issuer: str, client_id: str, nonce: str = "") -> None:
    """Refuse a token that is not for us; raises Failure. "": there was no nonce."""
    if not token:
        raise Failure(
            "the provider gives no id token", "the scope `openid` must be allowed to the client"
        )
    claims = _claims(token)
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise Failure("the id token is of another issuer", "tell the provider's operator")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise Failure("the id token is for another client", "tell the provider's operator")
    if nonce and not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise Failure("the id token is of another sign-in", "begin again")


def name_of(token: str) -> str:
    """A name for the session of this person, which records show: the subject, as far as it fits."""
    name = _OTHERS.sub("-", str(_claims(token).get("sub", "")))[:64]
    return name if len(name) >= 2 else f"oidc-{name}"


def subject_of(token: str) -> str:
    """The subject of a token, as it stands there."""
    return str(_claims(token).get("sub", ""))


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = strictjson.loads(payload)
    except (IndexError, ValueError, binascii.Error):
        claims = None
    if not isinstance(claims, dict):
        raise Failure(f"`{Shown(token[:12])}…` is no id token", "tell the provider's operator")
    return claims
