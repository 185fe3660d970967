"""Random names and secrets: the right alphabet, the whole of it, and never twice."""

import base64
import os
import string
from collections.abc import Callable

import pytest

from keystead.custody import randomness

BASE32 = string.ascii_uppercase + "234567"

KINDS: list[tuple[Callable[[], str], int, str]] = [
    (randomness.secret_access_key, 40, string.ascii_letters + string.digits + "+/"),
    (randomness.unique_id, 17, BASE32),
    (lambda: randomness.unique_id(length=8), 8, BASE32),
    (lambda: randomness.unique_id(length=16), 16, BASE32),
    (randomness.token_id, 32, "0123456789abcdef"),
    (randomness.one_time_password, 24, string.ascii_letters + string.digits + "-_"),
]


@pytest.mark.parametrize(("make", "length", "alphabet"), KINDS)
def test_each_kind_has_its_length_and_alphabet(
    make: Callable[[], str], length: int, alphabet: str
) -> None:
    """Two thousand of a kind are different, and use every character at every place."""
    made = [make() for _ in range(2000)]

    assert len(set(made)) == 2000
    assert {len(text) for text in made} == {length}
    for place in range(length):
        assert {text[place] for text in made} == set(alphabet)


def test_a_one_time_password_is_one_that_an_account_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters alone are drawn again: AWS demands three kinds of character."""
    draws = [base64.urlsafe_b64decode(text) for text in (24 * "a", 12 * "aB", 8 * "aB1", 24 * "c")]
    monkeypatch.setattr(randomness, "urandom", lambda _: draws.pop(0))

    assert randomness.one_time_password() == 8 * "aB1"


def test_a_prefix_stands_before_the_random_part() -> None:
    """A unique id starts with what says its kind."""
    made = randomness.unique_id("AIDA")

    assert made.startswith("AIDA")
    assert len(made) == 21


def test_the_kernel_is_asked_each_time() -> None:
    """Randomness is the operating system's own, without a pool in between (RN-1)."""
    assert randomness.urandom is os.urandom
