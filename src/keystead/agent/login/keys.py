"""The key of one sign-in, and its proofs (RFC 9449). The library makes both."""

import time
import uuid
from typing import Any

from keystead.failures import Failure


def _library() -> Any:
    try:
        from joserfc import jwk, jwt  # noqa: PLC0415  # the extra, loaded for this alone
    except ImportError:
        raise Failure(
            "a library that signs is missing", "run `make setup` in the checkout"
        ) from None
    return jwk, jwt


def new_key() -> dict[str, str]:
    """A private key on P-256, as a JWK."""
    jwk, _ = _library()
    made: dict[str, str] = jwk.ECKey.generate_key("P-256").as_dict(private=True)
    return {name: made[name] for name in ("kty", "crv", "x", "y", "d")}


def proof(key: dict[str, str], url: str) -> str:
    """The proof for one POST to this URL."""
    jwk, jwt = _library()
    public = {name: key[name] for name in ("kty", "crv", "x", "y")}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public}
    said = {"htm": "POST", "htu": url, "iat": int(time.time()), "jti": str(uuid.uuid4())}
    signed: str = jwt.encode(header, said, jwk.ECKey.import_key(dict(key)), algorithms=["ES256"])
    return signed
