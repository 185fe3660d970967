"""The one strict JSON parser."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.strictjson import NotStrictJson, loads

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(documents, st.booleans())
def test_json_is_read(value: Any, ascii_only: bool) -> None:
    """Every JSON value in range is read back, from text and from bytes."""
    text = json.dumps(value, ensure_ascii=ascii_only)

    assert loads(text) == value
    assert loads(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":1,"a":1}', "twice"),
        ('[{"a":{"b":1,"\\u0062":2}}]', "twice"),
        ("NaN", "not a JSON number"),
        ("[-Infinity]", "not a JSON number"),
        ("1e309", "range of a double"),
        ("-1e309", "range of a double"),
        ("9223372036854775808", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("1" * 5000, "64 bits"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udc00":1}', "surrogate"),
        ('"\\u0000"', "U.0000"),
        ('{"\\u0000":1}', "U.0000"),
        ('"\t"', "not JSON"),
        ("\ufeff{}", "not JSON"),
        ("{}{}", "not JSON"),
        ("01", "not JSON"),
        ("[1,]", "not JSON"),
        ("", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"\xc0\xaf", "not UTF-8"),
        (b"\xff\xfe[\x00]\x00", "not UTF-8"),
        ("[" * 65 + "]" * 65, "deeper"),
        ('{"a":' * 100_000, "deeper"),
        ("[" + "1," * 20_000 + "1]", "values"),
    ],
)
def test_what_is_refused(text: str | bytes, reason: str) -> None:
    """What another parser might resolve silently is refused, with the reason."""
    with pytest.raises(NotStrictJson, match=reason):
        loads(text)


@pytest.mark.parametrize(
    "text",
    ["[" * 64 + "]" * 64, '"\\ud83d\\udd11"', "9223372036854775807", "-0.0", '{"a":1,"A":1}'],
)
def test_the_allowed_twins(text: str) -> None:
    """What is just inside the limits is read."""
    assert loads(text) == json.loads(text)


def test_depth_is_the_callers() -> None:
    """A caller can allow fewer levels: policies have 16."""
    assert loads("[" * 16 + "]" * 16, max_depth=16) is not None
    with pytest.raises(NotStrictJson):
        loads("[" * 17 + "]" * 17, max_depth=16)


@given(st.binary(max_size=100))
def test_any_bytes(noise: bytes) -> None:
    """Noise is read as Python's parser reads it, or refused."""
    try:
        value = loads(noise)
    except NotStrictJson:
        return
    assert json.dumps(value) == json.dumps(json.loads(noise.decode()))
