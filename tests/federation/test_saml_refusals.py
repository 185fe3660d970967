"""AssumeRoleWithSAML through the pipeline: whom it does not let in, and why."""

import json
from typing import Any

import pytest

from tests.federation import saml_issuer as issuer
from tests.federation.land import text, told
from tests.federation.saml_issuer import AWS, FOR_EVER, RECIPIENT
from tests.federation.saml_land import DENIED, INVALID, LATE, REJECTED, SECOND, SamlLand


@pytest.mark.parametrize(
    ("changes", "code", "why"),
    [
        ({"issued": SECOND * -299}, "", ""),
        ({"issued": SECOND * -301}, "ExpiredTokenException", "five minutes"),
        ({"issued": SECOND * 58}, "", ""),
        ({"issued": SECOND * 65}, "InvalidIdentityToken", "not valid yet"),
        ({"begins": SECOND * 58}, "", ""),
        ({"begins": SECOND * 65}, "InvalidIdentityToken", "not valid yet"),
        ({"begins": None}, "", ""),
        ({"ends": SECOND * -55}, "", ""),
        ({"ends": SECOND * -61}, "ExpiredTokenException", "valid no more"),
        ({"ends": None}, "InvalidIdentityToken", "no NotOnOrAfter"),
        ({"confirmed_until": SECOND * -55}, "", ""),
        ({"confirmed_until": SECOND * -61}, "ExpiredTokenException", "valid no more"),
        ({"confirmed_until": None}, "InvalidIdentityToken", "no NotOnOrAfter"),
        ({"session_ends": SECOND * -1}, "ExpiredTokenException", "SessionNotOnOrAfter"),
        ({"ends": FOR_EVER, "confirmed_until": FOR_EVER, "session_ends": FOR_EVER}, "", ""),
    ],
)  # fmt: skip
def test_times(saml: SamlLand, changes: dict[str, Any], code: str, why: str) -> None:
    """Clocks may differ by a minute, and an assertion is good for five (iam.md 8.1)."""
    answer = saml.said(**changes)
    assert text(answer, "Code") == code, (answer.body, saml.why)
    if code:
        assert saml.why.startswith("step 11: ")
        assert why in saml.why
        assert told(answer)[1] == (LATE if code.startswith("Expired") else INVALID)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"issuer": "https://other.example"}, 8), ({"audience": None}, 9), ({"audience": ""}, 9),
        ({"audience": "<saml:Audience>urn:other</saml:Audience>"}, 9),
        ({"conditions": "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience>"
                        "</saml:AudienceRestriction>"}, 9),
        ({"recipient": "https://other.example/saml"}, 10), ({"recipient": None}, 10),
        ({"recipient": f"{RECIPIENT}/acs/SAMLSPOTHER"}, 10), ({"recipient": f"{RECIPIENT}/"}, 10),
        ({"destination": "https://other.example/saml"}, 10), ({"destination": ""}, 10),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, 10),
        ({"confirmations": 0}, 10), ({"confirmations": 2}, 10),
        ({"answers": "_a", "response_answers": "_b"}, 10), ({"statement": False}, 7),
        ({"conditions": '<x:Only xmlns:x="urn:x"/>'}, 6), ({"subject": ""}, 6),
        ({"subject": " jo"}, 6), ({"subject": "jo<saml:Issuer>x</saml:Issuer>"}, 6),
        ({"issuer": None}, 6), ({"name_id": "<saml:BaseID>x</saml:BaseID>"}, 6),
    ],
)  # fmt: skip
def test_what_is_not_for_us(saml: SamlLand, changes: dict[str, Any], step: int) -> None:
    """An assertion that is somebody else's, or for somebody else: one sentence (OI-6)."""
    assert told(saml.said(**changes)) == ("InvalidIdentityToken", INVALID), saml.why
    assert saml.why.startswith(f"step {step}: "), saml.why
    assert saml.local.events[-1].principal is None


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": f"<saml:Audience>urn:x</saml:Audience><saml:Audience>{RECIPIENT}"
                     "</saml:Audience>"},
        {"recipient": "https://us-east-1.signin.aws.amazon.com/saml", "destination": None},
        {"destination": "https://us-west-2.signin.aws.amazon.com/saml"},
        {"answers": "_a", "response_answers": "_a"}, {"answers": "_a"}, {"response_answers": "_a"},
        {"conditions": "<saml:OneTimeUse/>"},
        {"attributes": {f"{AWS}Role": ["arn:a,arn:b", "x", "@flipped"]}},
    ],
)  # fmt: skip
def test_what_is_for_us(saml: SamlLand, changes: dict[str, Any]) -> None:
    """AWS's own URLs, in each Region of the installation; requests of the client's own; the
    roles in either order."""
    role, provider = saml.roles["web"], saml.provider
    written = json.loads(json.dumps(changes).replace("@flipped", f"{provider},{role}"))
    assert saml.said(**written).status == 200, saml.why


def test_the_recipient_of_a_provider(saml: SamlLand) -> None:
    """A provider has an URL of its own below ours, as AWS shows it for encrypted assertions."""
    shown = saml.iam("GetSAMLProvider", SAMLProviderArn=saml.provider)
    own = f"{RECIPIENT}/acs/{text(shown, 'SAMLProviderUUID')}"
    assert saml.said(recipient=own, destination=own).status == 200, saml.why


def test_the_status(saml: SamlLand) -> None:
    """A provider that says that nobody was authenticated."""
    answer = saml.said(status="Responder")
    assert told(answer) == ("IDPRejectedClaim", REJECTED)
    assert answer.status == 403
    assert "status:Responder" in saml.why


def test_a_signed_response_names_its_destination(saml: SamlLand) -> None:
    """SAML 2.0 Bindings 3.5.5.2: one that is signed must."""
    said = saml.saying(destination=None)
    assert saml.assume(saml.response(said)).status == 200, saml.why
    said = saml.saying(destination=None)
    bare = issuer.signed(issuer.response(said, issuer.assertion(said)))
    assert told(saml.assume(bare)) == ("InvalidIdentityToken", INVALID)


def test_who_may_ask_for_what(saml: SamlLand) -> None:
    """The assertion lists the role beside the provider, and the role trusts the provider."""
    other = saml.role("unlisted")
    deaf = saml.role("deaf", saml.trusting(principal={"AWS": saml.account}))
    everybody = saml.role("everybody", saml.trusting(principal="*"))
    nobody = f"arn:aws:iam::{saml.account}:role/nobody"
    for listed, asked in (
        (saml.roles["web"], other), (deaf, deaf), (everybody, everybody), (nobody, nobody),
    ):  # fmt: skip
        answer = saml.assume(saml.response(saml.saying(listed)), asked)
        assert (answer.status, told(answer)) == (403, ("AccessDenied", DENIED)), asked
    answer = saml.assume(saml.response(saml.saying(saml.roles["web"])), other)
    assert saml.why == "step 13: the assertion does not list the role beside the provider"
    both = saml.saying(attributes={f"{AWS}Role": [f"{other},{saml.provider}",
                                                    f"{deaf},{saml.provider}"]})  # fmt: skip
    assert saml.assume(saml.response(both), other).status == 200, saml.why


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:iam::{}:saml-provider/none", "arn:aws:iam::{}:saml-provider/IDP",
     "arn:aws:iam::{}:oidc-provider/idp", "arn:aws:iam::111122223333:saml-provider/idp",
     "arn:aws:iam::{}:role/web", "not an ARN of anything"],
)  # fmt: skip
def test_another_provider(saml: SamlLand, arn: str) -> None:
    """A provider is named exactly, and is of the role's account."""
    answer = saml.assume(PrincipalArn=arn.format(saml.account))
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert "has no provider" in saml.why


def test_a_provider_of_another_issuer(saml: SamlLand) -> None:
    """Two providers with the same key are two: each has its issuer."""
    saml.iam(
        "CreateSAMLProvider",
        Name="twin",
        SAMLMetadataDocument=issuer.described("idp", entity="https://twin.example"),
    )
    twin = f"arn:aws:iam::{saml.account}:saml-provider/twin"
    role = saml.role("twin", saml.trusting(principal={"Federated": twin}))
    answer = saml.assume(saml.response(saml.saying(role, twin)), role, PrincipalArn=twin)
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    said = saml.saying(role, twin, issuer="https://twin.example")
    assert saml.assume(saml.response(said), role, PrincipalArn=twin).status == 200, saml.why
