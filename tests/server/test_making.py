"""A key that is made beside the loop comes once, also after a failure."""

import pytest

from keystead.server.installation.making import KeyMaker
from tests.patience import wait_until


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_is_not_the_end() -> None:
    """Who asks after a failed attempt has the key of the next one."""
    attempts: list[int] = []

    def make() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("no randomness")
        return "key"

    maker, seen = KeyMaker("a key", make), list[str]()

    def has_come() -> bool:
        seen.extend(key for key in (maker.made(),) if key is not None)
        return bool(seen)

    wait_until(has_come)

    assert (seen, len(attempts)) == (["key"], 2)
