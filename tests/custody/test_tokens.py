"""Opaque tokens: they open for what they were given for, and for nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.hierarchy import Hierarchy
from keystead.custody.tokens.tokens import MAXIMUM_LENGTH, InvalidToken, Tokens

from .conftest import root

TOKENS = Hierarchy(root()).tokens
BOUND = ("AIDAALICE", "ListKeys", "")
TOKEN = TOKENS.seal("marker", b"key-7", BOUND)


@given(data=st.binary(max_size=500), bound=st.lists(st.text(max_size=20), max_size=4))
def test_a_token_gives_its_data_back(data: bytes, bound: list[str]) -> None:
    """What went in comes out, from URL-safe text."""
    token = TOKENS.seal("marker", data, bound)

    assert TOKENS.unseal("marker", token, bound) == data
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token.isascii()


@pytest.mark.parametrize(
    ("purpose", "bound"),
    [
        ("session", BOUND),
        ("", BOUND),
        ("marker", ()),
        ("marker", ("AIDABOB", "ListKeys", "")),
        ("marker", ("AIDAALICE", "ListAliases", "")),
        ("marker", ("AIDAALICE", "ListKeys")),
        ("marker", ("AIDAALICEListKeys", "")),
        ("marker", ("AIDAALICE", "ListKeys", None)),
    ],
)
def test_a_token_is_bound(purpose: str, bound: tuple[str | None, ...]) -> None:
    """Another purpose, principal, operation or parameter is refused."""
    with pytest.raises(InvalidToken):
        TOKENS.unseal(purpose, TOKEN, bound)
    assert TOKENS.unseal("marker", TOKEN, BOUND) == b"key-7"


def test_tokens_die_with_their_incarnation() -> None:
    """A restored installation refuses the tokens of the time before, and takes its own."""
    restored = Hierarchy(root(incarnation="incarnation-2")).tokens
    with pytest.raises(InvalidToken):
        restored.unseal("marker", TOKEN, BOUND)
    assert restored.unseal("marker", restored.seal("marker", b"x"), ()) == b"x"


def test_another_installations_tokens_are_refused() -> None:
    """Another root key, another token key."""
    with pytest.raises(InvalidToken):
        Hierarchy(root(bytes(32))).tokens.unseal("marker", TOKEN, BOUND)


def test_every_changed_character_is_refused() -> None:
    """No character of a token can change, not even to one that decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for i, right in enumerate(TOKEN):
        for wrong in alphabet if i == len(TOKEN) - 1 else "Aa0_":
            if wrong != right:
                with pytest.raises(InvalidToken):
                    TOKENS.unseal("marker", TOKEN[:i] + wrong + TOKEN[i + 1 :], BOUND)


@pytest.mark.parametrize(
    "text",
    [
        "", "A", TOKEN[:-1], TOKEN + "A", TOKEN + "=", " " + TOKEN, TOKEN + "\n", TOKEN + "\0",
        "\N{SNOWMAN}", "\ud800", "+/" + TOKEN, "A" * (MAXIMUM_LENGTH + 1),
        base64.b64encode(bytes(200)).decode(),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    """Whatever is not a token is an invalid token."""
    with pytest.raises(InvalidToken):
        TOKENS.unseal("marker", text, BOUND)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    """Every text gives the one error."""
    with pytest.raises(InvalidToken):
        TOKENS.unseal("marker", text, BOUND)


def test_tokens_hide_what_they_hold() -> None:
    """The same data twice is not recognised."""
    tokens = Tokens(bytes(32), "x")

    assert tokens.seal("marker", b"key-7") != tokens.seal("marker", b"key-7")
