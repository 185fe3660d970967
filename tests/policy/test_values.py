"""What a text stands for, and what stands for nothing (PA-5, PE-10)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.policy.language.variables import Dialect, MalformedVariable, template
from keystead.policy.text import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("100000000", 100_000_000),
        ("99999999999.9", Decimal("99999999999.9")),
        ("-86400", -86_400),
        ("-99999999999", -99_999_999_999),
        ("1970-01-02", 86400),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:30+00:30", 0),
        ("1970-01-01T23:59:59+23:59", 59),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("1969-12-31T23:59:59.25Z", Decimal("-0.75")),
        ("1970-01-01T00:00:00.5Z", Decimal("0.5")),
        ("1970-01-01T00:00:00.000000001Z", Decimal("0.000000001")),
        ("0", 0),
        ("-1", -1),
        ("-0.5", Decimal("-0.5")),
        ("1.25", Decimal("1.25")),
        ("999", 999),
    ],
)
def test_dates(text: str, seconds: int | Decimal) -> None:
    """Dates are ISO 8601 in W3C's profile, or seconds since the epoch, to the nanosecond."""
    assert values.date(text) == int(seconds * 10**9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+1",
        "--1",
        "1.",
        ".5",
        "1" * 20,
        "2030",  # a year, or a second of 1970
        "2030.5",
        "203001",
        "20300101",
        "20300101.0",
        "203001011200",
        "1772366400000",  # milliseconds
        "9223372036854775808",
        "-100000000000",
        "1970-01",
        "1970-1-1",
        "-1970-01-01",
        "1970-01-01T",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00",
        "1970-01-01T00:00:00z",
        "1970-01-01t00:00:00Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+00:60",
        "1970-01-01Z",
        "1970-01-01T00Z",
        "1970-02-30",
        "1970-01-01T24:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01 00:00Z",
        " 0",
        "0 ",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00.Z",
        "0000-01-01",
        "1_0",
        "\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """Anything that two readers could read differently is no date."""
    assert values.date(text) is None


@pytest.mark.parametrize("text", ["", "+", "1.", ".5", "1e3", "0x1", "1_0", "NaN", " 1", "\u0661"])
def test_what_is_no_number(text: str) -> None:
    """Numbers are decimal, with ASCII digits on both sides of a point."""
    assert values.number(text) is None


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
    )
)
def test_numbers(number: Decimal) -> None:
    """A decimal fraction is read exactly."""
    assert values.number(f"{number:f}") == number


@given(st.ip_addresses())
def test_addresses(address: object) -> None:
    """An address is in its own network and in the whole of its version, in no other."""
    found = values.address(str(address))
    assert found is not None
    for block, inside in (
        (str(address), True),
        ("0.0.0.0/0", ":" not in str(address)),
        ("::/0", ":" in str(address)),
    ):
        network = values.network(block)
        assert network is not None
        first, mask = network
        assert (found & mask == first) is inside


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.01",
        "10.0.0",
        "10.0.0.0/-1",
        "10.0.0.0/+1",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/0008",
        "10.0.0.0/\N{ARABIC-INDIC DIGIT EIGHT}",
        "10.0.0.0/\N{SUPERSCRIPT TWO}",
        "2001:db8::/129",
        "fe80::1%eth0",
        "1::2::3",
        "",
    ],
)
def test_what_is_no_network(text: str) -> None:
    """No short forms, no leading zeros, no empty prefix."""
    assert values.network(text) is None


@pytest.mark.parametrize(
    ("block", "inside", "outside"),
    [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0", "::a00:1"]),
        ("10.1.2.3/32", ["10.1.2.3"], ["10.1.2.2", "10.1.2.4"]),
        ("10.1.2.2/31", ["10.1.2.2", "10.1.2.3"], ["10.1.2.1", "10.1.2.4"]),
        ("128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255"]),
        ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7::", "2001:db9::"]),
        ("2001:db8::1/128", ["2001:db8::1"], ["2001:db8::", "2001:db8::2"]),
        ("::ffff:10.0.0.0/104", ["::ffff:10.1.2.3"], ["10.1.2.3", "::ffff:11.0.0.0"]),
    ],
)
def test_networks(block: str, inside: list[str], outside: list[str]) -> None:
    """A block has an end on both sides, and no address of the other version."""
    network = values.network(block)
    assert network is not None
    first, mask = network
    for text in [*inside, *outside]:
        found = values.address(text)
        assert found is not None
        assert (found & mask == first) is (text in inside), text


def test_host_bits_do_not_matter() -> None:
    """A block may be written with any of its addresses."""
    assert values.network("10.1.2.3/8") == values.network("10.0.0.0/8")


@pytest.mark.parametrize("text", ["aGVsbG8=", "", "AAAA"])
def test_binary(text: str) -> None:
    """Canonical base64 is read."""
    assert values.binary(text) is not None


@pytest.mark.parametrize("text", ["aGVsbG8", "aGVsbG9=", "aGVs bG8=", "a-_=", "é"])
def test_what_is_no_binary(text: str) -> None:
    """No missing padding, no bits left over, no other alphabet."""
    assert values.binary(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "a${aws:x",
        "${aws: x}",
        "${aws:x ,'y'}",
        "${aws:x,'y'}",
        "${aws:x, y}",
        "${aws:x, 'y}",
        '${aws:x, "y"}',
        "${aws:${aws:y}}",
        "${aws:x}${",
    ],
)
def test_malformed_variables(text: str) -> None:
    """A `${` begins a variable or nothing; in the earlier version it is only text."""
    with pytest.raises(MalformedVariable):
        template(text, Dialect(), wild=False)
    assert template(text, Dialect(variables=False), wild=False).text == text


@pytest.mark.parametrize("text", ["$", "$x", "{aws:x}", "$ {aws:x}", "}"])
def test_a_lone_dollar_is_text(text: str) -> None:
    """Only `${` is special."""
    assert template(text, Dialect(), wild=False).text == text
