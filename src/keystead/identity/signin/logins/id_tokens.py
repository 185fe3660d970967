"""Who signed in, for the program that asks?  A token of OpenID Connect, which only it reads.

The program takes the ARN from it, and has it over the connection that gave the credentials (OpenID
Connect Core 3.1.3.7, point 6). Nobody else ever accepts it: it is signed with a key that is thrown
away, so it proves nothing to anybody.
"""

from joserfc import jwk, jwt

from keystead.custody.randomness import urandom

_SECONDS = 900


def of(arn: str, client_id: str, issuer: str, now: int) -> str:
    """The token about this principal, for this client."""
    claims = {"iss": issuer, "sub": arn, "aud": client_id, "iat": now, "exp": now + _SECONDS}
    key = jwk.OctKey.import_key(urandom(32))
    return jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])
