"""Where does randomness come from?  The kernel, at each use (threat-model RN-1).

No pool, no `random`, no counter: a restored, forked or cloned machine repeats nothing.
"""

import base64
import string
from os import urandom

__all__ = ["one_time_password", "secret_access_key", "token_id", "unique_id", "urandom"]

_OF_BYTE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 8  # each character for as many bytes
_KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits)


def secret_access_key() -> str:
    """A new secret access key: 240 random bits as 40 of A-Za-z0-9+/."""
    return base64.b64encode(urandom(30)).decode("ascii")


def unique_id(prefix: str = "", length: int = 17) -> str:
    """`prefix` and then random characters of A-Z2-7, 5 bits each."""
    return prefix + urandom(length).translate(_OF_BYTE).decode("ascii")


def token_id() -> str:
    """128 random bits as 32 hexadecimal digits: installations and incarnations."""
    return urandom(16).hex()


def one_time_password() -> str:
    """A password for somebody who has to replace it: 24 of A-Za-z0-9-_, more than 143 random bits.

    It has an uppercase letter, a lowercase letter and a number: AWS demands three kinds of
    character where an account sets no policy (iam.md 1.9). One draw in sixty has fewer.
    """
    while True:
        password = base64.urlsafe_b64encode(urandom(18)).decode("ascii")
        if all(set(kind) & set(password) for kind in _KINDS):
            return password
