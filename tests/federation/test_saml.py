"""AssumeRoleWithSAML through the pipeline: whom it lets in, and what the session is."""

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keystead.audit.records.record import Recorder
from keystead.failures import Failure
from keystead.identity.repository.federation import saml_assertions
from keystead.inquiry.past_refusals import explain_refusal
from keystead.inquiry.question import explain_one
from keystead.inquiry.who_can import who_can
from keystead.server.installation.config import load
from tests.federation import saml_issuer as issuer
from tests.federation.land import credentials, document, new_name, text, told
from tests.federation.saml_issuer import AWS, CBC, FOR_EVER, GCM, RECIPIENT, SUBJECT, Signing, key
from tests.federation.saml_land import DENIED, INVALID, LATE, REJECTED, SamlLand
from tests.identity.saml_documents import ENTITY, FUTURE, private_pem
from tests.server.installations import open_local, reopen

TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TAG = f"{AWS}PrincipalTag:"
PERSON = "urn:oid:1.3.6.1.4.1.5923.1.1.1."
SECONDS = timedelta(seconds=1)


def qualifier(land: SamlLand) -> str:
    hashed = hashlib.sha1(f"{ENTITY}{land.account}/idp".encode())  # noqa: S324  # as AWS has it
    return base64.b64encode(hashed.digest()).decode()


def test_a_session(saml: SamlLand) -> None:
    """An assertion gives credentials, and the answer says for whom."""
    answer = saml.assume()
    assert answer.status == 200, (answer.body, saml.why)
    wanted = {
        "Subject": SUBJECT, "SubjectType": "persistent", "Issuer": ENTITY, "Audience": RECIPIENT,
        "NameQualifier": qualifier(saml), "Arn": f"arn:aws:sts::{saml.account}:assumed-role/web/jo",
    }  # fmt: skip
    assert {name: text(answer, name) for name in wanted} == wanted
    assert wanted["Arn"] in saml.who(credentials(answer)).body.decode()


def whole(land: SamlLand, *, both: bool = False) -> str:
    """A response that is signed, with an assertion that is, or is not."""
    said = land.saying()
    inner = issuer.assertion(said)
    return issuer.signed(issuer.response(said, issuer.signed(inner) if both else inner))


def test_what_is_signed(saml: SamlLand) -> None:
    """The assertion, the response, or both; without any signature nobody comes in."""
    for each in (saml.response(), whole(saml), whole(saml, both=True)):
        assert saml.assume(each).status == 200, saml.why
    said = saml.saying()
    bare = issuer.response(said, issuer.assertion(said))
    assert told(saml.assume(bare)) == ("InvalidIdentityToken", INVALID)
    assert saml.why == "step 5: it has no signature"


@pytest.mark.parametrize(
    ("method", "signer", "digest"),
    [
        *((f"{issuer.MORE}rsa-sha{bits}", "idp", issuer.SHA256) for bits in (256, 384, 512)),
        *((f"http://www.w3.org/2007/05/xmldsig-more#sha{bits}-rsa-MGF1", "idp", issuer.SHA256)
          for bits in (256, 384, 512)),
        (f"{issuer.MORE}ecdsa-sha256", "P-256", f"{issuer.MORE}sha384"),
        (f"{issuer.MORE}ecdsa-sha384", "P-384", "http://www.w3.org/2001/04/xmlenc#sha512"),
    ],
)  # fmt: skip
def test_algorithms(saml: SamlLand, method: str, signer: str, digest: str) -> None:
    """Every algorithm of the list, by one of several certificates of one provider."""
    arn = f"arn:aws:iam::{saml.account}:saml-provider/several"
    if saml.local.iam("GetSAMLProvider", SAMLProviderArn=arn).status != 200:
        saml.create_provider("several", "other", "P-256", "P-384", "idp")
        saml.roles["several"] = saml.role("several", saml.trusting(principal={"Federated": arn}))
    role = saml.roles["several"]
    how = Signing(key(signer), method, digest)
    answer = saml.assume(saml.response(saml.saying(role, arn), how), role, PrincipalArn=arn)
    assert answer.status == 200, saml.why
    how = how.but(key=issuer.stranger(signer))
    answer = saml.assume(saml.response(saml.saying(role, arn), how), role, PrincipalArn=arn)
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert "no certificate" in saml.why


@pytest.mark.parametrize("content", [GCM, GCM.replace("256", "128"), CBC])
@pytest.mark.parametrize("beside", [False, True])
def test_encrypted_assertions(saml: SamlLand, content: str, beside: bool) -> None:
    """They are decrypted with one of the provider's keys; a provider may require that they are."""
    arn = f"arn:aws:iam::{saml.account}:saml-provider/sealed"
    if saml.local.iam("GetSAMLProvider", SAMLProviderArn=arn).status != 200:
        saml.create_provider("sealed", AssertionEncryptionMode="Required",
                             AddPrivateKey=private_pem(key("sp old")))  # fmt: skip
        saml.iam("UpdateSAMLProvider", SAMLProviderArn=arn, AddPrivateKey=private_pem(key("sp")))
        saml.roles["sealed"] = saml.role("sealed", saml.trusting(principal={"Federated": arn}))
    role = saml.roles["sealed"]
    for sp in ("sp", "sp old", "another"):
        said = saml.saying(role, arn)
        inner = issuer.encrypted(issuer.signed(issuer.assertion(said)), key(sp), content=content,
                                 beside=beside)  # fmt: skip
        outer = issuer.signed(issuer.response(said, inner))
        answer = saml.assume(outer, role, PrincipalArn=arn)
        assert answer.status == (400 if sp == "another" else 200), saml.why
    plain = saml.assume(saml.response(saml.saying(role, arn)), role, PrincipalArn=arn)
    assert told(plain) == ("InvalidIdentityToken", INVALID)
    assert saml.why == "step 4: the provider's assertions have to be encrypted"


def test_an_encrypted_assertion_in_a_bare_response(saml: SamlLand) -> None:
    """With a signature inside of the encryption GCM is taken, and CBC is not: it tells too much."""
    arn = f"arn:aws:iam::{saml.account}:saml-provider/keyed"
    saml.create_provider("keyed", AddPrivateKey=private_pem(key("sp")))
    role = saml.role("keyed", saml.trusting(principal={"Federated": arn}))
    oaep = {"transport": "http://www.w3.org/2009/xmlenc11#rsa-oaep", "digest": issuer.SHA256,
            "mask": "http://www.w3.org/2009/xmlenc11#mgf1sha256"}  # fmt: skip
    tried: list[tuple[dict[str, Any], str]] = [
        ({}, ""), (oaep, ""), ({"content": CBC}, "AES in CBC"),
        ({"transport": "http://www.w3.org/2001/04/xmlenc#rsa-1_5"}, "in a way"),
    ]  # fmt: skip
    for how, why in tried:
        said = saml.saying(role, arn)
        inner = issuer.encrypted(issuer.signed(issuer.assertion(said)), key("sp"), **how)
        answer = saml.assume(issuer.response(said, inner), role, PrincipalArn=arn)
        assert answer.status == (400 if why else 200), saml.why
        assert why in saml.why
    plain = saml.response(saml.saying(role, arn))
    assert saml.assume(plain, role, PrincipalArn=arn).status == 200, saml.why


def test_the_record(saml: SamlLand) -> None:
    """A SAML user is recorded as CloudTrail does it; the assertion is nowhere."""
    response = saml.response()
    role_session = saml.session(response)
    event = saml.local.events[-1]
    recorded = json.loads(bytes(Recorder("").record(event, 0).user_identity))
    assert recorded == {
        "type": "SAMLUser", "principalId": f"{qualifier(saml)}:{SUBJECT}", "userName": SUBJECT,
        "identityProvider": qualifier(saml),
    }  # fmt: skip
    shown = json.dumps([event.request_parameters, event.response_elements])
    assert issuer.packed(response)[200:240] not in shown
    assert "nameQualifier" in shown
    assert [each.arn for each in event.resources] == [saml.roles["web"]]
    assert saml.local.kms("ListKeys", role_session).status == 200
    assert "webIdFederationData" not in saml.local.events[-1].session


@pytest.mark.parametrize(
    ("key", "value"),
    [("aws:FederatedProvider", "@provider"), ("saml:sub", SUBJECT), ("saml:sub_type", "persistent"),
     ("saml:namequalifier", "@qualifier")],
)  # fmt: skip
def test_facts_of_the_session(saml: SamlLand, key: str, value: str) -> None:
    """Later calls know the provider and the subject, and nothing else of the assertion."""
    value = {"@provider": saml.provider, "@qualifier": qualifier(saml)}.get(value, value)
    name = f"facts-{key.replace(':', '-')}"
    role = saml.role(name)
    who = saml.session(saml.response(saml.saying(role)), role)
    for condition, allowed in (
        ({"StringEquals": {key: value}}, True), ({"StringEquals": {key: "other"}}, False),
        ({"Null": {"saml:iss": "true", "saml:aud": "true"}}, True),
    ):  # fmt: skip
        statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
                     "Condition": condition}  # fmt: skip
        saml.iam("PutRolePolicy", RoleName=name, PolicyName="all",
                 PolicyDocument=document(statement))  # fmt: skip
        assert (saml.local.iam("ListUsers", who).status == 200) is allowed, condition


SAID: dict[str, Any] = {
    f"{PERSON}1": ["staff", "member"], f"{PERSON}3": "dc=example", f"{PERSON}6": "jo@example",
    f"{PERSON}10": '<saml:NameID NameQualifier="a">opaque</saml:NameID>',
    "urn:oid:1.3.6.1.4.1.5923.1.2.1.4": "Example", "urn:oid:2.5.4.3": "Jo",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "Jo",
    "http://schemas.xmlsoap.org/claims/CommonName": "Jo C",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname": "G",
    "2.5.4.4": "S", "0.9.2342.19200300100.1.1": "jo", "0.9.2342.19200300100.1.3": "jo@x",
    "0.9.2342.19200300.100.1.45": "active", "2.5.4.45": "7",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": "S-1-5",
    "groups": "admins",
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"saml:aud": RECIPIENT, "saml:iss": ENTITY, "saml:sub": SUBJECT,
                           "saml:doc": "@account/idp", "saml:sub_type": "persistent"}}, True),
        ({"StringEquals": {"saml:aud": "urn:amazon:webservices"}}, False),
        ({"ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "staff"}}, True),
        ({"ForAllValues:StringEquals": {"saml:edupersonaffiliation": "staff"}}, False),
        ({"StringEquals": {"saml:edupersonorgdn": "dc=example",
                           "saml:edupersonprincipalname": "jo@example"}}, True),
        ({"ForAnyValue:StringEquals": {"saml:edupersontargetedid": "opaque"}}, True),
        ({"ForAnyValue:StringEquals": {"saml:eduorglegalname": "Example", "saml:cn": "Jo"}}, True),
        ({"StringEquals": {"saml:name": "Jo", "saml:commonName": "Jo C", "saml:givenName": "G",
                           "saml:surname": "S", "saml:uid": "jo", "saml:mail": "jo@x",
                           "saml:organizationStatus": "active", "saml:x500UniqueIdentifier": "7",
                           "saml:primaryGroupSID": "S-1-5"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "jo"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "other"}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"Null": {"aws:username": "true", "aws:FederatedProvider": "true"}}, True),
        ({"Null": {"saml:edupersonassurance": "true"}}, True),
    ],
)  # fmt: skip
def test_conditions(saml: SamlLand, condition: dict[str, Any], allowed: bool) -> None:
    """The attributes of AWS's table are condition keys of the trust policy (iam.md 6.6)."""
    written = json.loads(json.dumps(condition).replace("@account", saml.account))
    role = saml.role(new_name("condition"), saml.trusting(**written))
    answer = saml.said(role, attributes=SAID)
    assert answer.status == (200 if allowed else 403), (answer.body, saml.why)
    if not allowed:
        assert told(answer) == ("AccessDenied", DENIED)


@pytest.mark.parametrize(
    ("written", "condition", "answered"),
    [
        (TRANSIENT, "transient", "transient"), (EMAIL, EMAIL, EMAIL),
        ("urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
         "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos", "kerberos"),
        (None, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
         "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
    ],
)  # fmt: skip
def test_formats_of_the_subject(
    saml: SamlLand, written: str | None, condition: str, answered: str
) -> None:
    """The answer drops the prefix of SAML 2.0; the key does it for two formats."""
    role = saml.role(new_name("format"), saml.trusting(StringEquals={"saml:sub_type": condition}))
    answer = saml.said(role, format=written)
    assert (answer.status, text(answer, "SubjectType")) == (200, answered), saml.why


@pytest.mark.parametrize(
    ("attributes", "code", "sentence"),
    [
        ({f"{AWS}RoleSessionName": None}, "InvalidIdentityToken",
         "RoleSessionName is required in AuthnResponse"),
        ({f"{AWS}RoleSessionName": "j"}, "InvalidIdentityToken",
         "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"),
        ({f"{AWS}RoleSessionName": "j ö"}, "InvalidIdentityToken",
         "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"),
        ({f"{AWS}RoleSessionName": ["jo", "al"]}, "IDPRejectedClaim", REJECTED),
        ({f"{AWS}RoleSessionName": " jo"}, "IDPRejectedClaim", REJECTED),
        ({f"{AWS}SourceIdentity": "aws:jo"}, "InvalidIdentityToken",
         'Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"'),
        ({f"{AWS}SessionDuration": "899"}, "IDPRejectedClaim", REJECTED),
        ({f"{AWS}SessionDuration": "43201"}, "IDPRejectedClaim", REJECTED),
        ({f"{AWS}SessionDuration": "١٢٠٠"}, "IDPRejectedClaim", REJECTED),
        ({f"{TAG}Team": ["a", "b"]}, "IDPRejectedClaim", REJECTED),
        ({f"{TAG}Team": "a", f"{TAG}TEAM": "b"}, "IDPRejectedClaim", REJECTED),
        ({f"{TAG}aws:Team": "a"}, "IDPRejectedClaim", REJECTED),
        ({f"{AWS}TransitiveTagKeys": ["Team"]}, "IDPRejectedClaim", REJECTED),
        ({f"{PERSON}3": ["a", "b"]}, "IDPRejectedClaim", REJECTED),
        ({"2.5.4.4": "a", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname": "b"},
         "IDPRejectedClaim", REJECTED),
        ({f"{PERSON}1": ["a", "<saml:Issuer>x</saml:Issuer>"]}, "IDPRejectedClaim", REJECTED),
    ],
)  # fmt: skip
def test_what_no_session_can_have(
    saml: SamlLand, attributes: dict[str, Any], code: str, sentence: str
) -> None:
    """What the provider signed, and AWS has a sentence for, its bearer is told."""
    answer = saml.said(attributes=attributes)
    shown = text(answer, "Message").replace("&quot;", '"')
    assert (text(answer, "Code"), shown) == (code, sentence), saml.why
    assert saml.why.startswith("step 13: ")
    assert saml.said().status == 200


def test_tags_and_source_identity(saml: SamlLand) -> None:
    """They need their own permissions in the trust policy, and stay with the session."""
    attributes = {f"{TAG}Team": "blue", f"{TAG}Cost": "", f"{AWS}SourceIdentity": "jo.source",
                  f"{AWS}TransitiveTagKeys": ["team"]}  # fmt: skip
    wanted = {
        "StringEquals": {"aws:RequestTag/Team": "blue", "sts:SourceIdentity": "jo.source"},
        "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": "team",
                                      "aws:TagKeys": ["Team", "Cost"]},
    }  # fmt: skip
    every = ("sts:TagSession", "sts:SetSourceIdentity")
    cases: list[tuple[str, tuple[str, ...], dict[str, Any], bool]] = [
        ("tags-none", (), {}, False), ("tags-first", every[:1], {}, False),
        ("tags-second", every[1:], {}, False), ("tags-all", every, {}, True),
        ("tags-right", every, wanted, True),
        ("tags-wrong", every, {"StringEquals": {"aws:RequestTag/Team": "red"}}, False),
    ]  # fmt: skip
    for name, actions, condition, allowed in cases:
        role = saml.role(name, saml.trusting(*actions, **condition))
        answer = saml.said(role, attributes=attributes)
        assert answer.status == (200 if allowed else 403), (name, saml.why)
    role = f"arn:aws:iam::{saml.account}:role/tags-right"
    answer = saml.said(role, attributes=attributes)
    assert text(answer, "SourceIdentity") == "jo.source"
    statement = {
        "Effect": "Allow",
        "Action": "iam:ListUsers",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:PrincipalTag/Team": "blue", "aws:SourceIdentity": "jo.source"}
        },
    }
    saml.iam("PutRolePolicy", RoleName="tags-right", PolicyName="all",
             PolicyDocument=document(statement))  # fmt: skip
    assert saml.local.iam("ListUsers", credentials(answer)).status == 200


def lifetime(land: SamlLand, answer: Any) -> int:
    end = text(answer, "Expiration").replace("Z", "+00:00")
    return round((type(land.local.time.wall()).fromisoformat(end)
                  - land.local.time.wall()).total_seconds())  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "attribute", "end", "expected"),
    [
        (None, None, None, 3600), ("900", None, None, 900), ("7200", None, None, 7200),
        ("7200", "1800", None, 1800), (None, "7200", None, 3600), ("5400", "7200", 4000, 4000),
        (None, None, 600, 600),
    ],
)  # fmt: skip
def test_durations(
    saml: SamlLand, asked: str | None, attribute: str | None, end: int | None, expected: int
) -> None:
    """The least of what is asked, of what the provider says, and of the end that it names."""
    role = saml.roles.get("long") or saml.role("long", MaxSessionDuration="7200")
    saml.roles["long"] = role
    said = saml.saying(role, attributes={f"{AWS}SessionDuration": attribute},
                       session_ends=None if end is None else SECONDS * end)  # fmt: skip
    members = {} if asked is None else {"DurationSeconds": asked}
    answer = saml.assume(saml.response(said), role, **members)
    assert answer.status == 200, saml.why
    assert abs(lifetime(saml, answer) - expected) <= 3
    too_long = saml.assume(saml.response(saml.saying(role)), role, DurationSeconds="7201")
    assert told(too_long) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )


@pytest.mark.parametrize(
    ("changes", "code", "why"),
    [
        ({"issued": SECONDS * -299}, "", ""),
        ({"issued": SECONDS * -301}, "ExpiredTokenException", "five minutes"),
        ({"issued": SECONDS * 58}, "", ""),
        ({"issued": SECONDS * 65}, "InvalidIdentityToken", "not valid yet"),
        ({"begins": SECONDS * 58}, "", ""),
        ({"begins": SECONDS * 65}, "InvalidIdentityToken", "not valid yet"),
        ({"begins": None}, "", ""),
        ({"ends": SECONDS * -55}, "", ""),
        ({"ends": SECONDS * -61}, "ExpiredTokenException", "valid no more"),
        ({"ends": None}, "InvalidIdentityToken", "no NotOnOrAfter"),
        ({"confirmed_until": SECONDS * -55}, "", ""),
        ({"confirmed_until": SECONDS * -61}, "ExpiredTokenException", "valid no more"),
        ({"confirmed_until": None}, "InvalidIdentityToken", "no NotOnOrAfter"),
        ({"session_ends": SECONDS * -1}, "ExpiredTokenException", "SessionNotOnOrAfter"),
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


def test_an_assertion_is_used_once(saml: SamlLand) -> None:
    """Whatever is changed around it, and by whomever; a refusal by policy does not use it up."""
    role = saml.role("once", saml.trusting(StringEquals={"saml:sub": "other"}))
    response = saml.response(saml.saying(role))
    assert told(saml.assume(response, role)) == ("AccessDenied", DENIED)
    saml.iam("UpdateAssumeRolePolicy", RoleName="once", PolicyDocument=document(saml.trusting()))
    assert saml.assume(response, role).status == 200, saml.why
    around = response.replace('Destination="', 'Consent="urn:x" Destination="')
    for again in (response, around, response.replace("<samlp:Status>", "<samlp:Status> ")):
        assert told(saml.assume(again, role)) == ("InvalidIdentityToken", INVALID)
        assert saml.why == "step 14: the assertion was used before"


def test_an_assertion_is_used_once_by_all(saml: SamlLand) -> None:
    """It names roles of two providers, of which its issuer is both; or of two accounts."""
    first, second = saml.create_provider("one"), saml.create_provider("two")
    roles = [
        saml.role(name, saml.trusting(principal={"Federated": arn}))
        for name, arn in (("of-one", first), ("of-two", second))
    ]
    pairs = [f"{role},{arn}" for role, arn in zip(roles, (first, second), strict=True)]
    both, other = (saml.response(saml.saying(attributes={f"{AWS}Role": pairs})) for _ in range(2))
    assert saml.assume(both, roles[0], PrincipalArn=first).status == 200, saml.why
    answer = saml.assume(both, roles[1], PrincipalArn=second)
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert saml.why == "step 14: the assertion was used before"
    assert saml.assume(other, roles[1], PrincipalArn=second).status == 200, saml.why
    used, installation = saml.local.installation.identities.used_assertions, saml.local.installation
    now = int(installation.clock.now().timestamp())
    with installation.store.write() as transaction:
        given = (("111122223333", "x", "1"), ("444455556666", "x", "1"), ("444455556666", "y", "1"))
        firsts = [used.use(transaction, *each, now + 60, now) for each in given]
    assert firsts == [True, False, True]


def test_a_provider_that_comes_back_knows_them(saml: SamlLand) -> None:
    """To delete a provider and make it again ends sessions, and begins none."""
    arn = saml.create_provider("back")
    role = saml.role("back", saml.trusting(principal={"Federated": arn}))
    response, other = (saml.response(saml.saying(role, arn)) for _ in range(2))
    who = saml.session(response, role, PrincipalArn=arn)
    saml.iam("DeleteSAMLProvider", SAMLProviderArn=arn)
    assert saml.create_provider("back") == arn
    answer = saml.assume(response, role, PrincipalArn=arn)
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert saml.why == "step 14: the assertion was used before"
    assert saml.who(who).status == 403
    assert saml.assume(other, role, PrincipalArn=arn).status == 200, saml.why


def test_used_assertions_are_kept(tmp_path: Path) -> None:
    """Across a restart; and forgotten when they are too old, some for each that comes."""
    land = SamlLand(open_local(tmp_path / "data"))
    land.create_provider()
    land.roles["web"] = land.role("web")
    response = land.response()
    assert land.assume(response).status == 200
    for _ in range(4):
        assert land.assume().status == 200
    land.local = reopen(land.local)
    assert told(land.assume(response))[0] == "InvalidIdentityToken"
    used = land.local.installation.identities.used_assertions

    def count() -> int:
        return used.count(land.local.installation.store.read(), land.account)

    assert count() == 5
    land.local.time.passes(timedelta(minutes=6))
    assert told(land.assume(response))[0] == "ExpiredTokenException"
    assert land.assume().status == 200
    assert count() == 2
    land.local.installation.close()


def test_no_more_assertions_than_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that used too many has to wait; none is forgotten before its time."""
    land = SamlLand(open_local(tmp_path / "data"))
    land.create_provider()
    land.roles["web"] = land.role("web")
    first = land.response()
    monkeypatch.setattr(saml_assertions, "MOST", 2)
    assert [land.assume(each).status for each in (first, "")] == [200, 200]
    assert told(land.assume()) == ("Throttling", "Rate exceeded")
    assert told(land.assume(first))[0] == "InvalidIdentityToken"
    land.local.time.passes(timedelta(minutes=6))
    assert land.assume().status == 200
    land.local.installation.close()


CHANGES: dict[str, dict[str, str]] = {
    "another certificate": {"SAMLMetadataDocument": "@P-256 idp"},
    "another end": {"SAMLMetadataDocument": "@end"},
    "encryption": {"AssertionEncryptionMode": "Required"},
    "a private key": {"AddPrivateKey": "@key"},
    "deleted": {},
}


@pytest.mark.parametrize("change", CHANGES)
def test_sessions_end_with_their_provider(saml: SamlLand, change: str) -> None:
    """At once, and those that they began in other roles; tags and the same metadata end none."""
    name = new_name("ending")
    arn = saml.create_provider(name)
    role = saml.role(name, saml.trusting(principal={"Federated": arn}))
    chain = saml.role(f"{name}-chain", {"Effect": "Allow", "Principal": {"AWS": saml.account},
                                        "Action": "sts:AssumeRole"})  # fmt: skip
    who = saml.session(saml.response(saml.saying(role, arn)), role, PrincipalArn=arn)
    chained = credentials(saml.local.sts("AssumeRole", who, RoleArn=chain, RoleSessionName="chain"))
    own = saml.session()
    saml.iam("TagSAMLProvider", SAMLProviderArn=arn, **{"Tags.member.1.Key": "a",
                                                       "Tags.member.1.Value": "b"})  # fmt: skip
    saml.iam("UpdateSAMLProvider", SAMLProviderArn=arn,
             SAMLMetadataDocument=issuer.described("idp"))  # fmt: skip
    assert [saml.who(each).status for each in (who, chained, own)] == [200, 200, 200]
    written = {
        "@P-256 idp": issuer.described("P-256", "idp"), "@key": private_pem(key("sp")),
        "@end": issuer.described("idp", attributes=f' validUntil="{FUTURE}"'),
    }  # fmt: skip
    if members := CHANGES[change]:
        members = {name: written.get(value, value) for name, value in members.items()}
        saml.iam("UpdateSAMLProvider", SAMLProviderArn=arn, **members)
    else:
        saml.iam("DeleteSAMLProvider", SAMLProviderArn=arn)
    assert [saml.who(each).status for each in (who, chained, own)] == [403, 403, 200]
    if change == "deleted":  # one of the same name is another
        assert saml.create_provider(name) == arn
        assert saml.who(who).status == 403
    if change in {"another certificate", "a private key"}:
        assert saml.session(saml.response(saml.saying(role, arn)), role, PrincipalArn=arn)


def test_metadata_that_has_ended(tmp_path: Path) -> None:
    """It verifies nothing any more."""
    land = SamlLand(open_local(tmp_path / "data"))
    end = land.local.time.wall() + timedelta(hours=1)
    land.iam("CreateSAMLProvider", Name="idp", SAMLMetadataDocument=issuer.described(
        "idp", attributes=f' validUntil="{issuer.zulu(end)}"'))  # fmt: skip
    land.roles["web"] = land.role("web")
    assert land.assume().status == 200
    land.local.time.passes(timedelta(minutes=61))
    assert told(land.assume()) == ("InvalidIdentityToken", INVALID)
    assert land.why.startswith("step 12: ")
    land.local.installation.close()


def test_recipients_of_our_own(tmp_path: Path) -> None:
    """With the setting only its URLs are ours, also as audiences."""
    own = "https://keys.example.com/saml"
    land = SamlLand(open_local(tmp_path / "data", saml_recipients=(own,)))
    land.create_provider()
    land.roles["web"] = land.role("web")
    named = f"<saml:Audience>{own}</saml:Audience>"
    assert land.said(recipient=own, destination=own, audience=named).status == 200, land.why
    assert land.said(recipient=own, destination=own).status == 200, land.why
    assert told(land.said(recipient=RECIPIENT, destination=None)) == (
        "InvalidIdentityToken",
        INVALID,
    )
    land.local.installation.close()
    with pytest.raises(Failure, match="is not a URL"):
        load(None, {"KEYSTEAD_SAML_RECIPIENTS": "keys.example.com"}, {"data": str(tmp_path)})


def test_the_operator(saml: SamlLand) -> None:
    """What a stranger is not told, the operator is; and can ask before anybody tries."""
    installation = saml.local.installation
    saml.said(recipient="https://other.example")
    told_to = explain_refusal(installation, {"id": saml.local.events[-1].request_id})
    assert "step 10: the recipient is not one of ours" in told_to["text"]
    role = saml.role("asked", saml.trusting(StringEquals={"saml:sub": SUBJECT}))
    asked = {
        "principal": saml.provider, "action": "sts:AssumeRoleWithSAML", "resource": role,
    }  # fmt: skip
    for subject, decision in ((SUBJECT, "Allowed"), ("other", "ImplicitlyDenied")):
        explained = explain_one(installation, {**asked, "context": {"saml:sub": [subject]}})
        assert explained["decision"] == decision
        assert "saml:sub" in explained["text"]
    who = who_can(installation, {"action": asked["action"], "resource": role})
    assert "saml:sub" in json.dumps(who["principals"])


def test_an_action_at_the_end(saml: SamlLand) -> None:
    """The assertion may stand before the action, and base64 may be broken into lines."""
    request = saml.request(saml.response())
    head, _, rest = request.body.partition(b"&Version")
    moved = rest.partition(b"&")[2] + b"&" + head + b"&Version=2011-06-15"
    answer = saml.local.send(type(request)(
        "POST", "/", "", request.headers, moved, "192.0.2.7", False, request.endpoint))  # fmt: skip
    assert answer.status == 200, answer.body
    lines = base64.encodebytes(saml.response().encode()).decode().replace("\n", "\r\n")
    assert saml.assume(SAMLAssertion=lines).status == 200, saml.why
