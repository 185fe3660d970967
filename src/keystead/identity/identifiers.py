"""Which ids do identities have?  Account ids, unique ids and access key ids (iam.md 2.1).

    account id      12 digits
    unique id       prefix (4) | 17 random of A-Z2-7, 85 bits: none is ever given twice
    access key id   prefix (4) | account (8 of A-Z2-7) | parity and 39 random bits (8 of A-Z2-7)

The account is readable in an access key id. Eight characters hold account // 2 + 2^39. The next
character lies in A-P for an even account, and in Q-7 for an odd one. So a key is looked up by
(account, id), and GetAccessKeyInfo needs no look-up.
"""

import base64
import re

from keystead.custody.randomness import urandom

USER = "AIDA"
GROUP = "AGPA"
ROLE = "AROA"
INSTANCE_PROFILE = "AIPA"
POLICY = "ANPA"
OIDC_PROVIDER = "OIDC"  # ours: AWS shows no id of such a provider
SAML_PROVIDER = "SAMLSP"  # longer: AWS's model wants 22 characters
SERVICE = "ASVC"  # ours: AWS shows no id of a service
MFA_DEVICE = "MFAD"  # ours, never shown
LONG_TERM_KEY = "AKIA"
TEMPORARY_KEY = "ASIA"

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ACCOUNT_OFFSET = 1 << 39
_ACCESS_KEY_ID = re.compile(r"\A(?:AKIA|ASIA)([A-Z2-7]{8})([A-Z2-7])[A-Z2-7]{7}\Z")


def account_id() -> str:
    """A new account id: twelve random digits, the first not zero."""
    return str(100_000_000_000 + int.from_bytes(urandom(16), "big") % 900_000_000_000)


def access_key_id(prefix: str, account: str) -> str:
    """A new access key id of this account; 39 random bits, so the caller checks that it is new."""
    named, odd = _named(account)
    random = int.from_bytes(urandom(5), "big") >> 1
    first = _ALPHABET[(random >> 35) + 16 * odd]
    rest = base64.b32encode((random & (1 << 35) - 1).to_bytes(5, "big")).decode("ascii")
    return prefix + named + first + rest[1:]


def example_key_id(account: str) -> str:
    """A long-term access key id of this account that everybody can know."""
    named, odd = _named(account)
    return f"{LONG_TERM_KEY}{named}{_ALPHABET[16 * odd]}EXAMPLE"


def _named(account: str) -> tuple[str, int]:
    """The characters that name an account, and whether its number is odd."""
    half, odd = divmod(int(account), 2)
    return base64.b32encode((half + _ACCOUNT_OFFSET).to_bytes(5, "big")).decode("ascii"), odd


def account_of(key_id: str) -> str | None:
    """The account that an access key id names, or None when it is not of our form."""
    match = _ACCESS_KEY_ID.match(key_id)
    if match is None:
        return None
    half = int.from_bytes(base64.b32decode(match[1]), "big") - _ACCOUNT_OFFSET
    number = 2 * half + (_ALPHABET.index(match[2]) >= 16)
    return f"{number:012d}" if 0 <= number < 10**12 else None
