"""Providers that need no record, where the operator turned them on (decision 0064)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from keystead.failures import Failure
from keystead.identity.federation import outside
from keystead.server.installation.config import load
from tests.console.test_records import written
from tests.federation.issuer import PUBLIC, Issuer, Names, rsa_key, serving, signed
from tests.federation.land import DENIED, INVALID, Land, credentials, document, text, told
from tests.server.installations import open_local

GOOGLE, COGNITO = "accounts.google.com", "cognito-identity.amazonaws.com"
CLIENT = "32555940559.apps.googleusercontent.com"
MINE = {"StringEquals": {f"{GOOGLE}:aud": CLIENT}}


@dataclass
class Built(Land):
    """An installation that has Google and Cognito, both played by one issuer."""

    def of(self, provider: str, **claims: Any) -> str:
        """A token of a provider."""
        said = {"iss": f"https://{provider}", "aud": CLIENT, "sub": "110169484474386276334"}
        return signed(self.claims(**{**said, **claims}), rsa_key("one"))

    def for_google(self, name: str, *actions: str, **condition: Any) -> str:
        """A role for people of Google."""
        return self.role(name, self.trusting(
            *actions, principal={"Federated": GOOGLE}, **(condition or MINE)
        ))  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("built")
    issuer = Issuer(folder, (GOOGLE, COGNITO), f"https://{GOOGLE}")
    names = Names(known={GOOGLE: [PUBLIC], COGNITO: [PUBLIC]})
    known = folder / "authorities.pem"
    known.write_bytes(issuer.authority.cert_pem.bytes())
    with serving(issuer), pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(known))
        outside._known_authorities.cache_clear()
        names.port = issuer.port
        local = open_local(folder / "data", names, web_identity_providers=(GOOGLE, COGNITO))
        yield Built(local, issuer, names)
        local.installation.close()
        outside._known_authorities.cache_clear()


def test_somebody_of_google(built: Built) -> None:
    """The trust policy names it, its keys are Google's own, and calls of the session have them."""
    role = built.for_google("google")
    answer = built.assume(role, built.of(GOOGLE))
    assert answer.status == 200, built.why
    assert text(answer, "Provider") == GOOGLE
    assert text(answer, "Audience") == CLIENT
    assert text(answer, "SubjectFromWebIdentityToken") == "110169484474386276334"
    assert written(built.local.events[-1])["userIdentity"] == {
        "type": "WebIdentityUser", "identityProvider": GOOGLE, "userName": "110169484474386276334",
        "principalId": f"{GOOGLE}:{CLIENT}:110169484474386276334",
    }  # fmt: skip

    mine = {
        "StringEquals": {f"{GOOGLE}:sub": "${" + GOOGLE + ":sub}", "aws:FederatedProvider": GOOGLE}
    }
    only = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*", "Condition": mine}
    built.iam("PutRolePolicy", RoleName="google", PolicyName="all", PolicyDocument=document(only))
    who = built.session(role, built.of(GOOGLE))
    assert built.who(who).status == 200
    assert built.local.kms("ListKeys", who).status == 200


def test_what_trust_policies_ask_of_google(built: Built) -> None:
    """`azp` is accounts.google.com:aud, and `aud` is :oaud, as AWS has them; no others come in."""
    role = built.for_google(
        "app", StringEquals={f"{GOOGLE}:aud": "android", f"{GOOGLE}:oaud": CLIENT}
    )
    assert built.assume(role, built.of(GOOGLE, azp="android")).status == 200, built.why
    others: tuple[dict[str, Any], ...] = (
        {}, {"azp": "other"}, {"azp": "android", "aud": "other"},
    )  # fmt: skip
    for claims in others:
        assert told(built.assume(role, built.of(GOOGLE, **claims))) == ("AccessDenied", DENIED)
    for audience in ([CLIENT, "other"], "", "x" * 256, [], None):
        answer = built.assume(role, built.of(GOOGLE, aud=audience))
        assert told(answer) == ("InvalidIdentityToken", INVALID)


def test_a_pool_of_cognito(built: Built) -> None:
    """Its tokens name the pool as audience, and say in `amr` how the person came."""
    built.issuer.document = {"issuer": f"https://{COGNITO}"}
    try:
        condition = {
            "StringEquals": {f"{COGNITO}:aud": "eu-central-1:pool"},
            "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"},
        }
        trusting = built.trusting(principal={"Federated": COGNITO}, **condition)
        role = built.role("pool", trusting)
        claims = {"aud": "eu-central-1:pool", "sub": "eu-central-1:me"}
        token = built.of(COGNITO, amr=["authenticated", "login.example"], **claims)
        assert built.assume(role, token).status == 200, built.why
        token = built.of(COGNITO, amr=["unauthenticated"], **claims)
        assert told(built.assume(role, token)) == ("AccessDenied", DENIED)
    finally:
        built.issuer.document = {}


def test_who_forges_or_comes_from_elsewhere(built: Built) -> None:
    """Another key, another issuer, and a provider whose tokens are not taken."""
    role = built.for_google("forged")
    claims = built.claims(iss=f"https://{GOOGLE}", aud=CLIENT, sub="me")
    assert told(built.assume(role, signed(claims, rsa_key("two")))) == (
        "InvalidIdentityToken", INVALID,
    )  # fmt: skip
    for issuer in (GOOGLE, f"http://{GOOGLE}", f"https://{GOOGLE}/", "https://www.amazon.com"):
        answer = built.assume(role, built.of(GOOGLE, iss=issuer))
        assert told(answer) == ("InvalidIdentityToken", INVALID)
    answer = built.assume(role, "Atza|an-access-token", ProviderId="www.amazon.com")
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert "access tokens" in built.why
    assert built.assume(role, built.of(GOOGLE)).status == 200


def test_a_trust_policy_that_tells_no_audience(built: Built) -> None:
    """It cannot be written; one from before, or from where that is allowed, lets nobody in."""
    with pytest.raises(AssertionError, match="MalformedPolicyDocument"):
        built.for_google("everybody", Bool={"aws:SecureTransport": "true"})
    loose = {"Effect": "Allow", "Principal": {"Federated": GOOGLE},
             "Action": "sts:AssumeRoleWithWebIdentity"}  # fmt: skip
    installation = built.local.installation
    role = built.for_google("loose")
    assert built.assume(role, built.of(GOOGLE)).status == 200
    roles, store = installation.identities.roles, installation.store
    record = roles.named(store.read(), built.account, "loose")
    assert record is not None
    with store.write() as transaction:
        roles.update(transaction, msgspec.structs.replace(record, trust_policy=document(loose)))
    installation.commit()
    assert told(built.assume(role, built.of(GOOGLE))) == ("AccessDenied", DENIED)


def test_a_record_of_the_account_comes_first(built: Built) -> None:
    """An account with a provider of this URL has its client ids, and its ARN in trust policies."""
    role = built.for_google("first")
    arn = text(built.create_provider(f"https://{GOOGLE}", "mine"), "OpenIDConnectProviderArn")
    try:
        answer = built.assume(role, built.of(GOOGLE))
        assert told(answer) == ("InvalidIdentityToken", INVALID)
        assert told(built.assume(role, built.of(GOOGLE, aud="mine"))) == ("AccessDenied", DENIED)
    finally:
        built.iam("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    assert built.assume(role, built.of(GOOGLE)).status == 200


def test_it_is_off_unless_it_is_turned_on(built: Built) -> None:
    """Sessions from before it was turned off have ended, and tokens are refused in AWS's words."""
    role = built.for_google("off")
    who, token = built.session(role, built.of(GOOGLE)), built.of(GOOGLE)
    trusted = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}
    later = credentials(built.local.sts(
        "AssumeRole", who, RoleArn=built.role("off-later", trusted), RoleSessionName="later"
    ))  # fmt: skip
    assert built.who(who).status == built.who(later).status == 200
    identities = built.local.installation.identities
    turned_on = identities.web_identity_providers
    identities.web_identity_providers = frozenset({COGNITO})
    try:
        built.local.installation.store.distrust()
        assert built.who(who).status == built.who(later).status == 403
        assert told(built.assume(role, token)) == ("InvalidIdentityToken", INVALID)
        assert "has no provider" in built.why
    finally:
        identities.web_identity_providers = turned_on
        built.local.installation.store.distrust()
    assert built.who(who).status == 200


def test_what_can_be_turned_on() -> None:
    """Two names; for the two that give access tokens the reason is told."""
    assert load(None, {}, {"web_identity_providers": (GOOGLE,)}).web_identities == {GOOGLE}
    for name, why in (("www.amazon.com", "gives access tokens"), ("login.example", "is none")):
        with pytest.raises(Failure, match=why):
            load(None, {}, {"web_identity_providers": (name,)})
