"""The recovery key's text: easy to copy, and a slip of the pen is told from a wrong key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.files import SealError
from keystead.custody.seals.recovery import recovery_key, recovery_sheet, recovery_text

KEY = bytes(range(32))
TEXT = recovery_text(KEY)


@given(st.binary(min_size=32, max_size=32))
def test_the_text_gives_the_key_back(key: bytes) -> None:
    """What is printed can be typed in."""
    text = recovery_text(key)

    assert recovery_key(text) == key
    assert [len(group) for group in text.split("-")] == [4] * 14


@pytest.mark.parametrize(
    "typed",
    [
        TEXT.lower(),
        TEXT.replace("-", " "),
        TEXT.replace("-", ""),
        f"  {TEXT}\n",
        TEXT[:34] + "\n" + TEXT[34:],
        TEXT.replace("O", "0").replace("I", "1").replace("B", "8"),
        recovery_sheet(KEY, "an installation").decode(),
    ],
)
def test_people_may_type_it_their_way(typed: str) -> None:
    """Case, spaces, dashes, line breaks and look-alikes do not matter, nor do comments."""
    assert recovery_key(typed) == KEY


def test_every_mistaken_character_is_noticed() -> None:
    """One wrong character is a mistake, said as such, wherever it is."""
    for i, right in enumerate(TEXT):
        for wrong in "AZ27":
            if right not in {"-", wrong}:
                with pytest.raises(SealError, match="mistake"):
                    recovery_key(TEXT[:i] + wrong + TEXT[i + 1 :])


def test_swapped_neighbours_are_noticed() -> None:
    """Two characters in the wrong order are a mistake."""
    for i in range(len(TEXT) - 1):
        one, other = TEXT[i], TEXT[i + 1]
        if "-" not in {one, other} and one != other:
            with pytest.raises(SealError, match="mistake"):
                recovery_key(TEXT[:i] + other + one + TEXT[i + 2 :])


@pytest.mark.parametrize("typed", ["", "#", TEXT[:-1], TEXT + "A", TEXT[5:], "\N{SNOWMAN}"])
def test_missing_characters_are_counted(typed: str) -> None:
    """Too short and too long are said with the number."""
    with pytest.raises(SealError, match="characters where 56 are expected"):
        recovery_key(typed)


@pytest.mark.parametrize("wrong", ["9", "!", "\N{LATIN SMALL LETTER E WITH ACUTE}", "="])
def test_other_characters_are_refused(wrong: str) -> None:
    """A character that is in no recovery key is said to be one."""
    with pytest.raises(SealError, match="not a letter or 2 to 7"):
        recovery_key(wrong + TEXT[1:])


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever is typed is refused in our words."""
    with pytest.raises(SealError):
        recovery_key(text)
