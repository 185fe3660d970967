"""Whatever bytes come from strangers and providers, they are read or refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.errors import AwsError
from keystead.identity.federation.addresses import NotAPlace, Reachable
from keystead.identity.federation.oidc.keys import COST, MOST_KEYS, NoKeys, read_keys
from keystead.identity.federation.oidc.tokens import read_token
from tests.federation.issuer import b64, jwk, rsa_key, signed

TEXTS = st.text(max_size=20)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(["kty", "crv", "n", "e", "x", "y", "kid", "use", "key_ops", "alg"])
WORDS = st.sampled_from(["RSA", "EC", "oct", "OKP", "P-256", "P-384", "sig", "RS256", "AQAB", "Ag"])


@settings(max_examples=60)
@given(st.dictionaries(MEMBERS, WORDS | VALUES, max_size=10), st.booleans())
def test_keys_of_any_form(written: dict[str, Any], whole: bool) -> None:
    """A key set with anything in it gives keys or is refused."""
    key = {**jwk(rsa_key("one"), "one"), **written} if whole else written
    document = json.dumps({"keys": [key, jwk(rsa_key("two"), "two")]}).encode()
    try:
        kept = read_keys(document)
    except NoKeys:  # NaN, numbers of more than 64 bits
        return
    assert ("two", "RS256") in kept or written.get("kid") == "two"


@settings(max_examples=60)
@given(st.binary(max_size=60) | TEXTS.map(str.encode), st.dictionaries(TEXTS, VALUES, max_size=5))
def test_tokens_of_any_form(head: bytes, claims: dict[str, Any]) -> None:
    """Any three parts are a token or are refused by AWS's error."""
    payload = json.dumps(claims).encode()
    right = b'{"alg":"RS256","kid":"one"}'
    for header, said in ((head, payload), (right, payload), (right, head)):
        with suppress(AwsError):
            assert read_token(f"{b64(header)}.{b64(said)}.{b64(head or b'x')}").key_id


HUGE = [
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b"[" * 14_000,
    b"{" + b",".join(b'"%d":1' % n for n in range(1_500)) + b"}", b"[" + b"1," * 7_000 + b"1]",
    b"[" + b"1" * 14_000 + b"]", b'"' + b"\\" * 14_000, b" " * 14_000, b"\xff" * 14_000,
]  # fmt: skip


@pytest.mark.parametrize("payload", HUGE, ids=range(len(HUGE)))
def test_a_huge_token(payload: bytes) -> None:
    """The longest tokens that the model takes, of the costliest forms, are refused."""
    with pytest.raises(AwsError) as refused:
        read_token(signed(payload, rsa_key("one")))
    assert "payload" in refused.value.why


def test_what_keys_cost() -> None:
    """The bytes that the memory counts for a key are no fewer than those that it takes."""
    keys = [jwk(rsa_key("one"), f"{n}" * 8) for n in range(MOST_KEYS // 2)]
    kept = read_keys(json.dumps({"keys": keys}).encode())
    assert len(kept) == 3 * len(keys)
    assert COST >= 2_000


@pytest.mark.parametrize("text", ["", "*", "a_b", "-a", "10.0.0.1/8", "999.1.1.1", "a/b", "a:443"])
def test_places_that_are_none(text: str) -> None:
    """The setting takes hosts and networks."""
    with pytest.raises(NotAPlace):
        Reachable.read([text])
    read = Reachable.read(["Login.Example", "10.0.0.0/8", "::1"])
    assert (set(read.hosts), len(read.networks)) == ({"login.example"}, 2)
