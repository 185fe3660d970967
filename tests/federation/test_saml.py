"""AssumeRoleWithSAML through the pipeline: what is signed, and what the session is."""

import base64
import hashlib
import json
from typing import Any

import pytest

from keystead.audit.records.record import Recorder
from tests.federation import saml_issuer as issuer
from tests.federation.land import credentials, document, new_name, text, told
from tests.federation.saml_issuer import AWS, CBC, GCM, RECIPIENT, SUBJECT, Signing, key
from tests.federation.saml_land import DENIED, INVALID, REJECTED, SECOND, SamlLand
from tests.identity.saml_documents import ENTITY, private_pem

TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TAG = f"{AWS}PrincipalTag:"
PERSON = "urn:oid:1.3.6.1.4.1.5923.1.1.1."


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
                       session_ends=None if end is None else SECOND * end)  # fmt: skip
    members = {} if asked is None else {"DurationSeconds": asked}
    answer = saml.assume(saml.response(said), role, **members)
    assert answer.status == 200, saml.why
    assert abs(lifetime(saml, answer) - expected) <= 3
    too_long = saml.assume(saml.response(saml.saying(role)), role, DurationSeconds="7201")
    assert told(too_long) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
