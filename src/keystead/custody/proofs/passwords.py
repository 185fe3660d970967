"""Is this the password?  Argon2id with a pepper, as PHC strings (threat-model CO-5, section 6).

The pepper is a purpose key that is not in the database, so nobody can guess passwords with a copy
of the rows alone. The same work is done for users who do not exist.

Each lane of a hash is a thread of OpenSSL, whose number is bounded for the process. A hash keeps
the threads that it has while it waits for more. So two hashes at once can wait for each other
without end, and every hash of this process takes `ONE_HASH` first. One keeps several processors
busy.

All passwords that one person has had share a salt, which nobody else has. So one hash tells whether
a new password is one of the earlier ones, however many are remembered.

`verified`, `hashed` and `replaced` are the work that operations leave for the slow lane (`work`).
"""

import base64
import hmac
from dataclasses import dataclass
from threading import Lock

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keystead.custody.randomness import urandom
from keystead.custody.secrecy import Guarded

_SALT, _TAG = 16, 32
_FLOOR_PASSES, _FLOOR_MEMORY_KIB = 2, 19 * 1024

ONE_HASH = Lock()
"""Held while Argon2id is computed, wherever it is."""


class UnusablePassword(ValueError):
    """A text that cannot be a password: it holds NUL, or is not valid Unicode."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one hash: about 0.15 s of one core by default."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4

    def __post_init__(self) -> None:
        if self.passes < _FLOOR_PASSES or self.memory_kib < _FLOOR_MEMORY_KIB:
            raise ValueError("passwords are hashed with at least 2 passes over 19 MiB")


class Passwords(Guarded):
    """Hashes and verifies passwords. Both take long, release the GIL, and may run in threads."""

    __slots__ = ("_cost", "_nobody", "_pepper")

    def __init__(self, pepper: bytes, cost: Cost | None = None) -> None:
        self._pepper = pepper
        self._cost = cost or Cost()
        self._nobody = _hash_of_nobody(self._cost)

    def hash_password(self, password: str, like: str | None = None) -> str:
        """The PHC string of a password; raises UnusablePassword.

        `like` is the PHC string of an earlier password of the same person, whose salt is taken.
        """
        secret = _bytes(password)
        cost = self._cost
        function = Argon2id(
            salt=urandom(_SALT) if like is None else _salt(like),
            length=_TAG,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
            secret=self._pepper,
        )
        with ONE_HASH:
            return function.derive_phc_encoded(secret)

    def verify_password(self, password: str, stored: str | None) -> bool:
        """Is this the password of that PHC string?

        None stands for a user who does not exist: the answer is False, after equal work.
        """
        try:
            secret = _bytes(password)
        except UnusablePassword:
            secret, stored = b"", None
        with ONE_HASH:
            try:
                Argon2id.verify_phc_encoded(secret, stored or self._nobody, secret=self._pepper)
            except InvalidKey:
                return False
        return stored is not None


def verified(passwords: Passwords, password: str, stored: str | None) -> bool:
    """Is this the password of that PHC string?  None stands for a person who does not exist."""
    return passwords.verify_password(password, stored)


def hashed(passwords: Passwords, password: str, like: str | None) -> str:
    """The PHC string of a new password; with the salt of an earlier one (`like`)."""
    return passwords.hash_password(password, like)


def replaced(passwords: Passwords, old: str, stored: str, new: str) -> str | None:
    """The PHC string of a new password, with the salt of the stored one; None if `old` is wrong."""
    if not passwords.verify_password(old, stored):
        return None
    return passwords.hash_password(new, stored)


def is_same(one: str, other: str) -> bool:
    """Are two PHC strings of one person those of the same password?

    Strings of different cost are not compared, and differ.
    """
    return hmac.compare_digest(one, other)


def _salt(stored: str) -> bytes:
    """The salt of a PHC string that we wrote."""
    text = stored.split("$")[4]
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _bytes(password: str) -> bytes:
    if "\0" in password:
        raise UnusablePassword("a password cannot contain NUL")
    try:
        return password.encode()
    except UnicodeEncodeError:  # a lone surrogate; the error would quote the password
        raise UnusablePassword("a password is valid Unicode") from None


def _hash_of_nobody(cost: Cost) -> str:
    """A PHC string of the same cost that belongs to no password."""
    salt, tag = (
        base64.b64encode(urandom(size)).decode("ascii").rstrip("=") for size in (_SALT, _TAG)
    )
    parameters = f"m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
    return f"$argon2id$v=19${parameters}${salt}${tag}"
