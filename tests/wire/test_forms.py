"""Forms and query strings."""

import re
from urllib.parse import quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.wire.forms import LONG, NotAForm, decode, parse

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.dictionaries(texts.map(str.casefold).filter(lambda t: t == t.casefold()), texts))
def test_forms_are_read(fields: dict[str, str]) -> None:
    """Every form that a client encodes is read back."""
    fields.pop("", None)
    spaced = urlencode(fields)

    assert parse(spaced) == fields
    assert parse(spaced.replace("+", "%20").encode()) == fields


@pytest.mark.parametrize(
    "text",
    [
        "a=1&a=1",
        "a=1&A=2",
        "%61=1&a=2",
        "a=%",
        "a=%2",
        "a=%zz",
        "%g0=1",
        "a=%ff",
        "a=%c0%af",
        "a=%ed%a0%80",
        "a=%00",
        "a\0=1",
        b"a=\xff",
        "&".join(f"p{number}=1" for number in range(1_001)),
    ],
)
def test_what_is_refused(text: str | bytes) -> None:
    """A form with two readings is refused (threat-model PA-2)."""
    with pytest.raises(NotAForm):
        parse(text)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        ("&&", {}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=%2b+%2B", {"a": "+ +"}),
        ("a=%E2%82%ac", {"a": "€"}),
        ("a=€".encode(), {"a": "€"}),
        ("&".join(f"p{n}=1" for n in range(1_000)), {f"p{n}": "1" for n in range(1_000)}),
    ],
)
def test_the_allowed_twins(text: str | bytes, fields: dict[str, str]) -> None:
    """What has one reading gets it."""
    assert parse(text) == fields


@given(st.binary(max_size=60))
def test_any_bytes(noise: bytes) -> None:
    """Noise is read or refused, and what is read means the same when it is encoded again."""
    try:
        fields = parse(noise)
    except NotAForm:
        return
    again = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items())
    fields.pop("", None)
    assert {name: value for name, value in parse(again).items() if name} == fields


def test_a_refusal_repeats_no_name_of_any_length() -> None:
    """A name that occurs twice is told as far as names of parameters go."""
    for name, told in (("UserName", "UserName"), ("é" * 60_000, "é" * 128)):
        with pytest.raises(NotAForm) as refused:
            parse(f"{name}=1&{name}=2")
        assert str(refused.value) == f"the parameter '{told}' occurs twice"


pieces = st.sampled_from(
    ["%", "%4", "%41", "%3d", "%25", "%0a", "%2B", "=", "\n", "\r", "_", " ", "+", "é", "a"]
)


@given(st.lists(pieces).map("".join))
def test_escapes_are_read_as_urllib_reads_them(text: str) -> None:
    """An escape is a byte, and everything else is itself, unless a "%" is no escape."""
    whole = re.sub("%[0-9A-Fa-f]{2}", "", text)
    if "%" in whole:
        with pytest.raises(NotAForm):
            decode(text)
    else:
        assert decode(text) == unquote_to_bytes(text.replace("+", " ")).decode()


@pytest.mark.parametrize("escape", ["%fd", "%FE", "%fF"])
@pytest.mark.parametrize("beside", ["", "=", "\n", "\r", "=\r\n"])
def test_no_byte_stands_for_another(escape: str, beside: str) -> None:
    """Bytes that no UTF-8 has are refused, also those that we write while escapes are read."""
    assert decode(f"%41{beside}") == f"A{beside}"
    with pytest.raises(NotAForm):
        decode(f"{escape}{beside}")


@given(st.lists(st.tuples(st.sampled_from("abc"), pieces), max_size=12), st.integers(0, 3))
def test_long_forms_are_read_as_short_ones(parts: list[tuple[str, str]], ends: int) -> None:
    """The fields of a long form are found in another way, and are the same."""
    text = "&".join(f"{name}{number}={value}" for number, (name, value) in enumerate(parts))
    text += "&" * ends
    filling = "x" * LONG

    def read(form: str) -> dict[str, str] | None:
        try:
            return parse(form)
        except NotAForm:
            return None

    short, long = read(text), read(f"{text}&long={filling}")
    assert long == (None if short is None else {**short, "long": filling})


@pytest.mark.parametrize(("count", "is_read"), [(1_000, True), (1_001, False)])
def test_a_long_form_has_as_many_fields(count: int, is_read: bool) -> None:
    """1,000, as a short one has."""
    text = "&".join(f"name{number}=123456" for number in range(count))
    assert len(text) > LONG
    if is_read:
        assert len(parse(text)) == count
    else:
        with pytest.raises(NotAForm):
            parse(text)
