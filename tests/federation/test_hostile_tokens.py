"""Every published attack on tokens, each beside the same token without it (threat-model OI)."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from keystead.inquiry.past_refusals import explain_refusal
from tests.federation.issuer import CLIENT, URL, b64, ec_key, jwk, rsa_key, signed
from tests.federation.land import INVALID, Land, told

FOUR_LEVELS = {"a": {"b": {"c": {"d": 1}}}}


@pytest.fixture(autouse=True)
def honest(land: Land) -> None:
    """The twin of every case: the token without the attack lets its bearer in."""
    assert land.assume(land.roles["web"], land.token()).status == 200, land.why


def refuse(land: Land, token: str, step: str, code: str = "InvalidIdentityToken") -> None:
    """A stranger hears one sentence; the record, and the operator, learn the step."""
    answer = land.assume(land.roles["web"], token)
    found, sentence = told(answer)
    assert found == code, (answer.body, land.why)
    if code == "InvalidIdentityToken":
        assert sentence == INVALID
        assert step in land.why, land.why
    [event] = land.local.events
    assert event.principal is None
    assert event.decisions == []


def public(name: str) -> bytes:
    """A public key as a file, as the attack on HMAC uses it."""
    return (
        rsa_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def headed(land: Land, header: bytes) -> str:
    """A token with this header, and otherwise right."""
    return signed(land.claims(), rsa_key("one"), header=header)


Case = tuple[Callable[[Land], str], str]

HEADERS: dict[str, Case] = {
    "none": (lambda land: headed(land, b'{"alg":"none","kid":"one"}'), "step 2"),
    "None": (lambda land: headed(land, b'{"alg":"NoNe","kid":"one"}'), "step 2"),
    "no signature": (lambda land: land.token().rpartition(".")[0] + ".", "step 1"),
    "HMAC with the public key": (
        lambda land: signed(land.claims(), public("one"), "HS256"), "step 2"),
    "PS256": (lambda land: signed(land.claims(), rsa_key("one"), "PS256"), "step 2"),
    "EdDSA": (lambda land: signed(land.claims(), rsa_key("one"),
                                  header=b'{"alg":"EdDSA","kid":"one"}'), "step 2"),
    "lower case": (lambda land: signed(land.claims(), rsa_key("one"),
                                       header=b'{"alg":"rs256","kid":"one"}'), "step 2"),
    "two algorithms": (
        lambda land: headed(land, b'{"alg":"RS256","alg":"none","kid":"one"}'), "header"),
    "another hash": (lambda land: signed(land.claims(), rsa_key("one"), "RS512",
                                         header=b'{"alg":"RS256","kid":"one"}'), ""),
    "an EC algorithm for an RSA key": (
        lambda land: signed(land.claims(), ec_key("P-256"), "ES256"), "step 9"),
    "no key named": (lambda land: signed(land.claims(), rsa_key("one"), kid=None), "step 2"),
    "a key that is a number": (lambda land: signed(
        land.claims(), rsa_key("one"), header=b'{"alg":"RS256","kid":7}'), "step 2"),
    "a path for a key": (lambda land: signed(land.claims(), rsa_key("one"), kid="../../dev/null"),
                         "step 9"),
    "SQL for a key": (lambda land: signed(land.claims(), rsa_key("one"), kid="one' OR '1'='1"),
                      "step 9"),
    "own jwk": (lambda land: signed(land.claims(), rsa_key("evil"),
                                    jwk=jwk(rsa_key("evil"), "one")), "step 10"),
    "own jku": (lambda land: signed(land.claims(), rsa_key("evil"), jku=f"{URL}/evil"), "step 10"),
    "own x5u": (lambda land: signed(land.claims(), rsa_key("evil"), x5u=f"{URL}/evil"), "step 10"),
    "crit": (lambda land: signed(land.claims(), rsa_key("one"), crit=["exp"]), "step 2"),
    "unencoded payload": (lambda land: signed(land.claims(), rsa_key("one"), b64=False), "step 2"),
    "logout token": (lambda land: signed(
        land.claims(), rsa_key("one"), typ="logout+jwt"), "step 2"),
    "DPoP proof": (lambda land: signed(land.claims(), rsa_key("one"), typ="dpop+jwt"), "step 2"),
    "encrypted": (lambda _: "a.b.c.d.e", "step 1"),
    "four parts": (lambda land: land.token() + ".AAAA", "step 1"),
    "JSON form": (lambda _: '{"payload":"x","signatures":[]}', "step 1"),
    "a list": (lambda land: signed(land.claims(), rsa_key("one"), header=b"[]"), "header"),
    "not JSON": (lambda land: signed(land.claims(), rsa_key("one"), header=b"\xff\xfe"), "header"),
    "huge header": (lambda land: signed(land.claims(), rsa_key("one"), x="a" * 4_000), "step 1"),
    "padding": (lambda land: land.token() + "=", "step 1"),
    "blank": (lambda land: " " + land.token(), "step 1"),
    "line break": (lambda land: land.token() + "\n", "step 1"),
    "other base64": (  # a text of nothing but 1 bits has a `_` in any place
        lambda land: land.token(x="?" * 9).replace("-", "+").replace("_", "/"), "step 1"),
}  # fmt: skip

PAYLOADS: dict[str, Case] = {
    "two subjects": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"sub":"root"}', rsa_key("one")), "payload"),
    "two issuers": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"iss":"https://evil"}', rsa_key("one")),
        "payload"),
    "two nested names": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"x":{"a":1,"a":2}}', rsa_key("one")),
        "payload"),
    "NaN": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"x":NaN}', rsa_key("one")), "payload"),
    "half a character": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"x":"\\ud800"}', rsa_key("one")), "payload"),
    "NUL": (lambda land: signed(
        json.dumps(land.claims())[:-1].encode() + b',"x":"\\u0000"}', rsa_key("one")), "payload"),
    "deep": (lambda land: land.token(x=[[[[[[[[[1]]]]]]]]]), "payload"),
    "very deep": (lambda _: signed(b'{"x":' + b"[" * 900 + b"]" * 900 + b"}", rsa_key("one")),
                  "payload"),
    "wide": (lambda land: land.token(x=list(range(1_200))), "payload"),
    "a list": (lambda _: signed(b"[1]", rsa_key("one")), "payload"),
    "a text": (lambda _: signed(b'"x"', rsa_key("one")), "payload"),
    "nothing": (lambda _: signed(b"", rsa_key("one")), "step 1"),
    "logout event": (lambda land: land.token(
        events={"http://schemas.openid.net/event/backchannel-logout": {}}), "step 3"),
    "another issuer": (lambda land: land.token(iss="https://elsewhere.example.com"), "step 4"),
    "a slash more": (lambda land: land.token(iss=f"{URL}/"), "step 4"),
    "upper case": (lambda land: land.token(iss="https://LOGIN.example.com"), "step 4"),
    "http": (lambda land: land.token(iss="http://login.example.com"), "step 4"),
    "a port": (lambda land: land.token(iss=f"{URL}:443"), "step 4"),
    "a user": (lambda land: land.token(iss="https://x@login.example.com"), "step 4"),
    "issuer list": (lambda land: land.token(iss=[URL]), "step 4"),
    "no issuer": (lambda land: land.token(iss=None), "step 4"),
    "no end": (lambda land: land.token(exp=None), "step 5"),
    "no begin": (lambda land: land.token(iat=None), "step 5"),
    "end as text": (lambda land: land.token(exp=str(land.now + 60)), "step 5"),
    "end as truth": (lambda land: land.token(exp=True), "step 5"),
    "endless": (lambda land: land.token(exp=1e300), "step 5"),
    "negative": (lambda land: land.token(iat=-1), "step 5"),
    "more than a day": (lambda land: land.token(exp=land.now + 86_400), "step 5"),
    "not yet": (lambda land: land.token(nbf=land.now + 90), "step 5"),
    "issued later": (lambda land: land.token(iat=land.now + 90), "step 5"),
    "another audience": (lambda land: land.token(aud="other"), "step 6"),
    "a part of the audience": (lambda land: land.token(aud=CLIENT[:-1]), "step 6"),
    "upper audience": (lambda land: land.token(aud=CLIENT.upper()), "step 6"),
    "no audience": (lambda land: land.token(aud=None), "step 6"),
    "empty audiences": (lambda land: land.token(aud=[]), "step 6"),
    "audience object": (lambda land: land.token(aud={CLIENT: 1}), "step 6"),
    "mixed audiences": (lambda land: land.token(aud=[CLIENT, 7]), "step 6"),
    "several and no azp": (lambda land: land.token(aud=[CLIENT, "other"]), "step 6"),
    "several and another azp": (lambda land: land.token(aud=[CLIENT, "other"], azp="other"),
                                "step 6"),
    "azp alone": (lambda land: land.token(aud="other", azp=CLIENT), "step 6"),
    "no subject": (lambda land: land.token(sub=None), "step 7"),
    "empty subject": (lambda land: land.token(sub=""), "step 7"),
    "long subject": (lambda land: land.token(sub="x" * 256), "step 7"),
    "subject list": (lambda land: land.token(sub=["root"]), "step 7"),
    "changed": (lambda land: _changed(land.token(), sub="root"), "step 10"),
    "another key": (lambda land: signed(land.claims(), rsa_key("evil")), "step 10"),
    "signature of another": (lambda land: ".".join(
        [*land.token().split(".")[:2], land.token(sub="other").split(".")[2]]), "step 10"),
    "empty signature": (lambda land: ".".join([*land.token().split(".")[:2], b64(bytes(256))]),
                        "step 10"),
}  # fmt: skip


def _changed(token: str, **claims: Any) -> str:
    head, payload, signature = token.split(".")
    said = json.loads(urlsafe_b64decode(payload + "=="))
    return f"{head}.{b64(json.dumps({**said, **claims}).encode())}.{signature}"


@pytest.mark.parametrize("name", HEADERS)
def test_headers(land: Land, name: str) -> None:
    """Forms and headers by which verifiers were deceived."""
    make, step = HEADERS[name]
    refuse(land, make(land), step)


@pytest.mark.parametrize("name", PAYLOADS)
def test_payloads(land: Land, name: str) -> None:
    """Claims that are not what they should be, and payloads that nobody signed."""
    make, step = PAYLOADS[name]
    refuse(land, make(land), step)


def test_several_audiences(land: Land) -> None:
    """Of several, the client that asked counts, and is the condition key."""
    assert land.assume(land.roles["web"], land.token(aud=[CLIENT])).status == 200
    both = land.token(aud=[CLIENT, "other"], azp=CLIENT)
    assert land.assume(land.roles["web"], both).status == 200


@pytest.mark.parametrize(("seconds", "code"), [(1, ""), (0, "ExpiredTokenException"),
                                              (-5, "ExpiredTokenException")])  # fmt: skip
def test_the_end_has_no_slack(land: Land, seconds: int, code: str) -> None:
    """A token counts before its `exp` alone; clocks of issuers may be a minute ahead."""
    end = int(land.local.time.wall().timestamp()) + seconds
    answer = land.assume(land.roles["web"], land.token(exp=end))
    assert told(answer)[0] == code, answer.body
    ahead = land.token(iat=land.now + 50, nbf=land.now + 50)
    assert land.assume(land.roles["web"], ahead).status == 200


def test_an_unknown_account(land: Land) -> None:
    """Of an account that is not there, nothing else is told than of one without the provider."""
    elsewhere = land.roles["web"].replace(land.account, "111122223333")
    assert told(land.assume(elsewhere)) == ("InvalidIdentityToken", INVALID)
    assert told(land.assume("arn:aws:iam::x:role/y" + "z" * 10))[0] == "ValidationError"


def test_a_provider_of_another_account(land: Land) -> None:
    """A provider counts in its own account alone, whoever else knows the same issuer."""
    world = land.local.installation
    other = land.roles["web"].replace(land.account, str(int(land.account) + 1))
    asked = len(land.issuer.asked)
    assert told(land.assume(other))[0] == "InvalidIdentityToken"
    assert len(land.issuer.asked) == asked
    assert world.provider_keys.kept_bytes > 0


def test_legacy_access_tokens(land: Land) -> None:
    """ProviderId belongs to access tokens of two providers, which are not served."""
    answer = land.assume(land.roles["web"], ProviderId="www.amazon.com")
    assert told(answer) == ("InvalidIdentityToken", INVALID)


def test_the_operator_learns_the_step(land: Land) -> None:
    """By the request id, and nobody else does."""
    answer = land.assume(land.roles["web"], land.token(aud="other"))
    request_id = land.local.events[-1].request_id
    told_to = explain_refusal(land.local.installation, {"id": request_id})
    assert told_to["decision"] == "NotProved"
    assert "step 6" in told_to["text"]
    assert b"step" not in answer.body
    land.local.installation.upkeep.write_refusals()
    again = explain_refusal(land.local.installation, {"id": request_id})
    assert again["text"] == told_to["text"]


def test_claims_cannot_be_our_own_keys(land: Land) -> None:
    """A claim is a key below its provider's name, and a provider named `aws` is refused."""
    for url in ("https://AWS", "https://kms/keys"):
        land.create_provider(url)
        token = land.token(iss=url, SourceIp="10.0.0.1")
        answer = land.assume(land.roles["web"], token)
        assert told(answer) == ("InvalidIdentityToken", INVALID)
        assert "our own condition keys" in land.why


@pytest.mark.parametrize("name", ["tags", "source_identity"])
def test_an_unsigned_claim_is_not_told(land: Land, name: str) -> None:
    """Only who has the provider's signature learns that its claims cannot be used."""
    claims = land.claims(**{f"https://aws.amazon.com/{name}": 7})
    refuse(land, signed(claims, rsa_key("evil")), "step 10")
    refuse(land, signed(claims, rsa_key("one")), "", "IDPRejectedClaim")
