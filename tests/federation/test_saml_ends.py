"""Assertions are used once, and sessions end with their provider."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.failures import Failure
from keystead.identity.repository.federation import saml_assertions
from keystead.inquiry.past_refusals import explain_refusal
from keystead.inquiry.question import explain_one
from keystead.inquiry.who_can import who_can
from keystead.server.installation.config import load
from tests.federation import saml_issuer as issuer
from tests.federation.land import credentials, document, new_name, told
from tests.federation.saml_issuer import AWS, RECIPIENT, SUBJECT, key
from tests.federation.saml_land import DENIED, INVALID, SamlLand
from tests.identity.saml_documents import FUTURE, private_pem
from tests.server.installations import open_local, reopen


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
