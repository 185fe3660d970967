"""Is this text a signed token that has only one reading?  (RFC 7515 7.1; threat-model PA-1, OI-1)

    header (JSON) . payload (JSON) . signature      each in base64url, without padding

Nothing is proved here: an UnprovenToken says what somebody claims. It finds the provider and the
key, and is refused early if the proof could not succeed. Of the header only the algorithm and the
name of the key are read. What it says of other keys and where to find them (`jwk`, `jku`, `x5u`,
`x5c`) is not: keys come from the provider alone.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from keystead import strictjson
from keystead.identity.federation.refusals import invalid

ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "ES256": "P-256", "ES384": "P-384",
    "ES512": "P-521",
}  # fmt: skip
"""The algorithms that AWS takes, with the kind of key of each (iam.md 8.2)."""

_TYPES = {"jwt", "at+jwt", "jose"}
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
_MOST_HEADER = 4096  # characters
_MOST_VALUES = 1000
_LONGEST_KEY_ID = 256


@dataclass(frozen=True, slots=True)
class UnprovenToken:
    """A token that nobody has vouched for."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str
    claims: dict[str, Any] = field(repr=False)


def read_token(text: str) -> UnprovenToken:
    """The token that a text is; raises InvalidIdentityToken.

    (1) three parts; (2) a header with an algorithm and a key of the provider, and nothing that we
    would have to understand; (3) claims.
    """
    parts = text.split(".", 3)
    if len(parts) != 3 or not all(parts) or len(parts[0]) > _MOST_HEADER:  # (1)
        raise invalid("step 1: it is not a signed token of three parts")
    header = _object(_decoded(parts[0]), "header")  # (2)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise invalid("step 2: the algorithm is not one of " + ", ".join(ALGORITHMS))
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise invalid("step 2: the header does not name a key (kid)")
    if "crit" in header or "b64" in header:
        raise invalid("step 2: the header has extensions that must be understood")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise invalid("step 2: it is a token of another type")
    _decoded(parts[2])
    claims = read_claims(_decoded(parts[1]))  # (3)
    return UnprovenToken(text, algorithm, key_id, claims)


def read_claims(payload: bytes) -> dict[str, Any]:
    """The claims of a payload; raises InvalidIdentityToken."""
    claims = _object(payload, "payload")
    events = claims.get("events")
    if isinstance(events, dict) and _LOGOUT in events:
        raise invalid("step 3: it is a logout token")
    return claims


def _object(text: bytes, part: str) -> dict[str, Any]:
    """A JSON object with one reading. Its values are counted before any of them is read."""
    if sum(map(text.count, (b":", b",", b"["))) > _MOST_VALUES:
        raise invalid(f"the {part} has too many values")
    try:
        value = strictjson.loads(text, max_depth=8)
    except strictjson.NotStrictJson as error:
        raise invalid(f"the {part} is refused: {error}") from None
    if not isinstance(value, dict):
        raise invalid(f"the {part} is no object")
    return value


def _decoded(part: str) -> bytes:
    """The bytes of a part in base64url, in their only spelling (PA-3)."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise invalid("step 1: a part is not in base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part.encode():
        raise invalid("step 1: a part is not in base64url")
    return data
