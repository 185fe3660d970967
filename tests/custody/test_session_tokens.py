"""Session tokens: a key for each day, bound to an access key id and to the incarnation."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.hierarchy import Hierarchy
from keystead.custody.rows import generation_of
from keystead.custody.tokens.session_tokens import DAYS, SessionTokens
from keystead.custody.tokens.tokens import InvalidToken, decoded, encoded

from .conftest import root

TOKENS = Hierarchy(root()).session_tokens
BOUND = ("ASIAALICE",)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TOKEN = TOKENS.seal(b"alice", BOUND, NOW)


@given(data=st.binary(max_size=500), bound=st.lists(st.text(max_size=20), max_size=3))
def test_a_token_gives_its_data_back(data: bytes, bound: list[str]) -> None:
    """What went in comes out, for the same arguments."""
    assert TOKENS.unseal(TOKENS.seal(data, bound, NOW), bound, NOW) == data


@given(place=st.integers(0, len(TOKEN) - 1), character=st.sampled_from("Aa0-_=é"))
def test_a_changed_token_is_refused(place: int, character: str) -> None:
    """Any other character, anywhere, and it opens no more; nor does a shorter one."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed != TOKEN:
        with pytest.raises(InvalidToken):
            TOKENS.unseal(changed, BOUND, NOW)
    with pytest.raises(InvalidToken):
        TOKENS.unseal(TOKEN[:place], BOUND, NOW)
    assert TOKENS.unseal(TOKEN, BOUND, NOW) == b"alice"


@pytest.mark.parametrize("bound", [(), ("ASIABOB",), ("ASIAALICE", ""), ("ASIAALICE", None)])
def test_a_token_belongs_to_its_access_key(bound: tuple[str | None, ...]) -> None:
    """Another's access key id opens nothing."""
    with pytest.raises(InvalidToken):
        TOKENS.unseal(TOKEN, bound, NOW)


def test_each_day_has_its_key() -> None:
    """The day stands in clear; a token that claims another day is none."""
    assert generation_of(decoded(TOKEN)) == NOW.timestamp() // 86_400
    later = TOKENS.seal(b"alice", BOUND, NOW + DAY)
    assert generation_of(decoded(later)) == generation_of(decoded(TOKEN)) + 1
    with pytest.raises(InvalidToken):
        TOKENS.unseal(encoded(decoded(TOKEN)[:5] + decoded(later)[5:]), BOUND, NOW)
    assert TOKENS.unseal(later, BOUND, NOW) == b"alice"  # by a clock that was set back


@pytest.mark.parametrize(("days", "opens"), [(-2, False), (-1, True), (DAYS, True), (31, False)])
def test_old_keys_are_derived_no_more(days: int, opens: bool) -> None:
    """A token opens for thirty days, and not for a server that knows nothing of its day."""
    tokens = Hierarchy(root()).session_tokens
    if opens:
        assert tokens.unseal(TOKEN, BOUND, NOW + days * DAY) == b"alice"
    else:
        with pytest.raises(InvalidToken):
            tokens.unseal(TOKEN, BOUND, NOW + days * DAY)


def test_keys_of_old_days_are_forgotten() -> None:
    """What is kept is what still opens."""
    tokens = SessionTokens(bytes(32), "incarnation")
    for day in range(100):
        tokens.seal(b"", BOUND, NOW + day * DAY)
    assert len(tokens._sealers) <= DAYS + 2


def test_tokens_die_with_their_incarnation() -> None:
    """A restored installation refuses the tokens of the time before, and takes its own."""
    restored = Hierarchy(root(incarnation="incarnation-2")).session_tokens
    with pytest.raises(InvalidToken):
        restored.unseal(TOKEN, BOUND, NOW)
    assert restored.unseal(restored.seal(b"x", BOUND, NOW), BOUND, NOW) == b"x"


def test_no_other_token_is_one() -> None:
    """What is sealed for pages and the like opens no session, nor does another root's."""
    hierarchy = Hierarchy(root())
    with pytest.raises(InvalidToken):
        hierarchy.session_tokens.unseal(hierarchy.tokens.seal("session", b"x", BOUND), BOUND, NOW)
    with pytest.raises(InvalidToken):
        Hierarchy(root(bytes(32))).session_tokens.unseal(TOKEN, BOUND, NOW)
