"""Passwords: Argon2id with a pepper, and no answer that tells whether a user exists."""

import re
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keystead.custody.proofs.passwords import Cost, Passwords, UnusablePassword
from tests.patience import PATIENCE

CHEAP = Cost(passes=2, memory_kib=19 * 1024, lanes=1)
PASSWORDS = Passwords(b"pepper", CHEAP)
STORED = PASSWORDS.hash_password("open sesame")


def test_the_right_password_passes() -> None:
    """A password is recognised, and no other is."""
    assert PASSWORDS.verify_password("open sesame", STORED)
    for wrong in ("open sesamE", "open sesame ", "", "open sesame\0", "open sesame\ud800"):
        assert not PASSWORDS.verify_password(wrong, STORED)


def test_hashes_are_salted() -> None:
    """Two users with one password do not look alike."""
    assert PASSWORDS.hash_password("open sesame") != STORED


def test_the_pepper_is_needed() -> None:
    """A stolen hash cannot be guessed against without the pepper, which is not beside it."""
    assert not Passwords(b"another", CHEAP).verify_password("open sesame", STORED)
    assert Passwords(b"pepper", CHEAP).verify_password("open sesame", STORED)
    Argon2id.verify_phc_encoded(b"open sesame", STORED, secret=b"pepper")


def test_the_default_cost_is_the_threat_models() -> None:
    """t=3, m=64 MiB, p=4, written into the PHC string."""
    stored = Passwords(b"pepper").hash_password("x")

    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[^$]{22}\$[^$]{43}\Z", stored)


@pytest.mark.parametrize(("passes", "memory_kib"), [(1, 64 * 1024), (2, 19 * 1024 - 1), (0, 0)])
def test_there_is_a_floor(passes: int, memory_kib: int) -> None:
    """A cost below the floor is refused; the floor itself is in use above."""
    with pytest.raises(ValueError, match="at least"):
        Cost(passes=passes, memory_kib=memory_kib)


@pytest.mark.parametrize("password", ["\0", "a\0b", "secret\0", "a\ud800b"])
def test_what_cannot_be_a_password_is_refused(password: str) -> None:
    """NUL and broken Unicode are refused, and the refusal does not quote them."""
    with pytest.raises(UnusablePassword) as refused:
        PASSWORDS.hash_password(password)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["p", "\N{LATIN SMALL LETTER E WITH ACUTE}", "e\u0301", "x" * 5000]
)
def test_passwords_are_taken_as_they_are(password: str) -> None:
    """Nothing is cut or normalised."""
    stored = PASSWORDS.hash_password(password)

    assert PASSWORDS.verify_password(password, stored)
    assert not PASSWORDS.verify_password(password + "x", stored)
    assert not PASSWORDS.verify_password("\N{LATIN SMALL LETTER E WITH ACUTE}x", stored)


@pytest.mark.parametrize("password", ["open sesame", "a\0b"])
def test_nobody_costs_as_much_as_anybody(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """For a user who does not exist the same function runs with the same parameters."""
    worked = []

    class Watched:
        @staticmethod
        def verify_phc_encoded(key: bytes, stored: str, *, secret: bytes) -> None:
            worked.append(stored.split("$")[1:4])
            Argon2id.verify_phc_encoded(key, stored, secret=secret)

    monkeypatch.setattr("keystead.custody.proofs.passwords.Argon2id", Watched)

    assert not PASSWORDS.verify_password(password, None)
    assert not PASSWORDS.verify_password("wrong", STORED)
    assert worked == [STORED.split("$")[1:4]] * 2


_MANY_AT_ONCE = """
import threading
from keystead.custody.proofs.passwords import Cost, Passwords
passwords = Passwords(b"pepper", Cost(passes=2, memory_kib=19 * 1024, lanes=4))
stored = passwords.hash_password("open sesame")
def verify():
    for _ in range(5):
        assert passwords.verify_password("open sesame", stored)
    print("right")
threads = [threading.Thread(target=verify) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_many_at_once_do_not_wait_for_each_other_for_ever() -> None:
    """Hashes of several lanes share the threads of OpenSSL; in a process of its own, as it hung."""
    done = subprocess.run(
        [sys.executable, "-c", _MANY_AT_ONCE],
        check=True, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stdout.split() == ["right"] * 8
