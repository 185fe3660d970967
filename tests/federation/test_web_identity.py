"""AssumeRoleWithWebIdentity through the pipeline: whom it lets in, and what the session is."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.audit.records.record import Recorder
from keystead.failures import Failure
from keystead.identity.repository import (
    RCP,
    SCP,
    Member,
    Organization,
    OrganizationPolicy,
    OrganizationPolicyType,
)
from keystead.inquiry.past_refusals import explain_refusal
from keystead.inquiry.question import explain_one
from keystead.inquiry.who_can import who_can
from keystead.policy.evaluation import PolicyKind
from tests.federation.issuer import CLIENT, HOST, URL, Names, ec_key, jwk, rsa_key, signed
from tests.federation.land import (
    DENIED,
    INVALID,
    Land,
    credentials,
    document,
    land_with,
    new_name,
    text,
    told,
)

SUBJECT = "system:serviceaccount:shop:web"


def test_a_session(land: Land) -> None:
    """The token of a service account gives credentials, and the answer says for whom."""
    answer = land.assume(land.roles["web"])
    assert answer.status == 200, answer.body
    assert text(answer, "SubjectFromWebIdentityToken") == SUBJECT
    assert text(answer, "Audience") == CLIENT
    assert text(answer, "Provider") == land.provider
    arn = f"arn:aws:sts::{land.account}:assumed-role/web/web"
    assert text(answer, "Arn") == arn
    assert arn in land.who(land.session(land.roles["web"])).body.decode()


def test_the_record(land: Land) -> None:
    """A web identity is recorded as CloudTrail does it; the token is nowhere."""
    land.session(land.roles["web"])
    event = land.local.events[-1]
    assert event.principal is not None
    assert event.principal.user_id == f"{land.provider}:{CLIENT}:{SUBJECT}"
    shown = json.dumps([event.request_parameters, event.response_elements])
    assert land.token()[:40] not in shown
    assert "subjectFromWebIdentityToken" in shown
    [resource] = {each.arn for each in event.resources}
    assert (resource, event.resources[0].account) == (land.roles["web"], land.account)


def test_the_record_of_another_with_the_same_id(land: Land) -> None:
    """Client ids and subjects may have colons. The record has the subject of this bearer."""
    land.iam("AddClientIDToOpenIDConnectProvider", ClientID=f"{CLIENT}:a",
             OpenIDConnectProviderArn=land.provider)  # fmt: skip
    recorder = Recorder("")
    for claims in ({"sub": "a:b"}, {"aud": f"{CLIENT}:a", "sub": "b"}):
        assert land.assume(land.roles["web"], land.token(**claims)).status == 200
        recorded = json.loads(bytes(recorder.record(land.local.events[-1], 0).user_identity))
        assert recorded["userName"] == claims["sub"]
        assert recorded["principalId"] == f"{land.provider}:{CLIENT}:a:b"
    land.iam("RemoveClientIDFromOpenIDConnectProvider", ClientID=f"{CLIENT}:a",
             OpenIDConnectProviderArn=land.provider)  # fmt: skip


def test_facts_of_the_session(land: Land) -> None:
    """Later calls know the provider, the subject and the audience; policies may ask for them."""
    role = land.role("facts")
    for key, value in (
        ("aws:FederatedProvider", land.provider), (f"{HOST}:sub", SUBJECT), (f"{HOST}:aud", CLIENT),
    ):  # fmt: skip
        for wanted, allowed in ((value, True), ("other", False)):
            statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
                         "Condition": {"StringEquals": {key: wanted}}}  # fmt: skip
            land.iam("PutRolePolicy", RoleName="facts", PolicyName="all",
                     PolicyDocument=document(statement))  # fmt: skip
            who = land.session(role)
            assert (land.local.iam("ListUsers", who).status == 200) is allowed, key
    context = land.local.events[-1].session
    assert context["webIdFederationData"]["federatedProvider"] == land.provider


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {f"{HOST}:sub": SUBJECT, f"{HOST}:aud": CLIENT}}, True),
        ({"StringLike": {f"{HOST}:sub": "system:serviceaccount:shop:*"}}, True),
        ({"StringEquals": {f"{HOST}:sub": "system:serviceaccount:shop:other"}}, False),
        ({"StringEquals": {f"{HOST}:email": "a@example.com"}}, True),
        ({"Bool": {f"{HOST}:email_verified": "true"}}, True),
        ({"ForAnyValue:StringEquals": {f"{HOST}:groups": "ops"}}, True),
        ({"ForAnyValue:StringEquals": {f"{HOST}:groups": "root"}}, False),
        ({"StringEquals": {"sts:RoleSessionName": "web"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"StringEquals": {f"{HOST}:team": "blue"}}, True),  # of the claim Team
        ({"Null": {f"{HOST}:team": "true"}}, False),
        ({"Null": {"aws:username": "true"}}, True),
        ({"Null": {"aws:FederatedProvider": "true"}}, True),
        ({"NumericLessThan": {f"{HOST}:exp": "99999999999"}}, True),
    ],
)  # fmt: skip
def test_conditions(land: Land, condition: dict[str, Any], allowed: bool) -> None:
    """Claims are condition keys of the trust policy."""
    role = land.role(new_name("condition"), land.trusting(**condition))
    token = land.token(
        email="a@example.com", email_verified=True, groups=["dev", "ops"], Team="blue"
    )
    answer = land.assume(role, token)
    assert answer.status == (200 if allowed else 403), (answer.body, land.why)
    if not allowed:
        assert told(answer) == ("AccessDenied", DENIED)


def test_a_long_claim_is_a_key(land: Land) -> None:
    """A claim escapes no Deny, and satisfies no `ForAllValues:`, by being long."""
    banned = {"StringLike": {f"{HOST}:note": "banned*"}}
    denied = land.role("denied-notes", land.trusting(), {
        **land.trusting(**banned), "Effect": "Deny"})  # fmt: skip
    known = land.role("known-groups", land.trusting(
        **{"ForAllValues:StringLike": {f"{HOST}:groups": "team-*"}}))  # fmt: skip
    groups = [f"team-{number}" for number in range(300)]
    for role, claims, allowed in (
        (denied, {"note": "x" * 9_000}, True), (denied, {"note": "banned" + "x" * 9_000}, False),
        (known, {"groups": groups}, True), (known, {"groups": [*groups, "root"]}, False),
    ):  # fmt: skip
        answer = land.assume(role, land.token(**claims))
        assert told(answer) == (("", "") if allowed else ("AccessDenied", DENIED))


@pytest.mark.parametrize(
    "claims",
    [{"Team": "blue", "TEAM": "blue"}, {"SUB": "root"}, {"groups": ["root", None]},
     {"groups": [{"name": "root"}, "root"]}, {"groups": ["root", ["root"]]}],
)  # fmt: skip
def test_a_claim_that_cannot_be_a_key(land: Land, claims: dict[str, Any]) -> None:
    """No claim goes missing where a condition may ask for it: its token is refused."""
    answer = land.assume(land.roles["web"], land.token(**claims))
    assert told(answer)[0] == "IDPRejectedClaim"
    usable: dict[str, Any] = {"Team": "blue", "groups": ["root", 1, True], "roles": [{}], "x": []}
    assert land.assume(land.roles["web"], land.token(**usable)).status == 200


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Federated": "@provider"}, True),
        ("*", False),
        ({"AWS": "*"}, False),
        ({"AWS": "@account"}, False),
        ({"Federated": "accounts.google.com"}, False),
        ({"Federated": "@other"}, False),
        ({"AWS": "*", "Federated": "@provider"}, True),
    ],
)
def test_only_a_named_provider_lets_in(land: Land, principal: Any, allowed: bool) -> None:
    """Everybody is not a provider: a web identity comes in where its provider is named."""
    meant = {"@provider": land.provider, "@account": land.account,
             "@other": f"{land.provider}/other"}  # fmt: skip
    if isinstance(principal, dict):
        principal = {kind: meant.get(name, name) for kind, name in principal.items()}
    condition = {"StringEquals": {"accounts.google.com:aud": "x"}} if "google" in str(
        principal) else {}  # fmt: skip
    role = land.role(new_name("named"), land.trusting(principal=principal, **condition))
    answer = land.assume(role)
    assert answer.status == (200 if allowed else 403), answer.body
    if not allowed:
        assert told(answer) == ("AccessDenied", DENIED)


def test_a_deny_for_everybody_denies(land: Land) -> None:
    """Everybody in a Deny means web identities, too."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity"}
    answer = land.assume(land.role("denied", land.trusting(), deny))
    assert told(answer) == ("AccessDenied", DENIED)
    others = {**deny, "Condition": {"StringEquals": {f"{HOST}:sub": "x"}}}
    assert land.assume(land.role("not-denied", land.trusting(), others)).status == 200


def test_what_stands_above(tmp_path: Path, land: Land) -> None:
    """A resource control policy binds web identities, as a perimeter around providers needs it.

    Service control policies bind the accounts of callers, and a bearer has none.
    """
    names = Names(land.issuer.port)
    with land_with(tmp_path, land.issuer, names) as own:
        condition = {"StringNotEquals": {f"{HOST}:sub": SUBJECT}}
        control(own, RCP, {"Effect": "Deny", "Principal": "*", "Condition": condition})
        control(own, SCP, {"Effect": "Deny"})
        assert own.assume(own.roles["web"]).status == 200, own.why
        other = own.assume(own.roles["web"], own.token(sub="other"))
        assert told(other) == ("AccessDenied", DENIED)
        assert [decision.kind for decision in own.local.events[-1].decisions] == [
            PolicyKind.RESOURCE_CONTROL
        ]


def control(land: Land, policy_type: OrganizationPolicyType, statement: dict[str, Any]) -> None:
    """Put the account under a policy of an organization, about web identities."""
    identities, account = land.local.installation.identities, land.account
    organization = Organization(
        organization="o-aaaaaaaaaa", root="r-aaaa", management="111122223333", feature_set="ALL",
        policy_types='{"RESOURCE_CONTROL_POLICY":1,"SERVICE_CONTROL_POLICY":1}',
        tags="{}", created=0,
    )  # fmt: skip
    there: Any = {"organization": organization.organization, "tags": "{}"}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = {**statement, "Action": "sts:AssumeRoleWithWebIdentity", "Resource": "*"}
    record = OrganizationPolicy(
        policy=f"p-{policy_type[:8].lower()}", type=policy_type, name=policy_type, description="",
        content=document(*([allow] if policy_type == SCP else []), denied), created=0, **there,
    )  # fmt: skip
    with land.local.installation.store.write() as transaction:
        if identities.organizations.get(transaction, organization.organization) is None:
            identities.organizations.insert(transaction, organization)
            member = Member(
                account=account, parent="r-aaaa", name="a", joined_method="INVITED", joined=0,
                **there,
            )  # fmt: skip
            identities.organizations.insert_member(transaction, member)
        identities.organization_policies.insert(transaction, record)
        identities.organization_policies.attach(transaction, organization, account, record)
    land.local.installation.commit()


def test_no_role_and_no_trust_are_one(land: Land) -> None:
    """Whether a role exists is not told."""
    nowhere = f"arn:aws:iam::{land.account}:role/nowhere"
    assert told(land.assume(nowhere)) == ("AccessDenied", DENIED)
    other = land.role("assume-role", {**land.trusting(), "Action": "sts:AssumeRoleWithSAML"})
    assert told(land.assume(other)) == ("AccessDenied", DENIED)
    headers = {name.lower() for name in land.assume(other).headers}
    assert "x-keystead-authorization-message" not in headers


def test_the_operator_learns_why(land: Land) -> None:
    """What the trust policy decided is explained like any refusal, down to the condition."""
    role = land.role("explained", land.trusting(StringEquals={f"{HOST}:sub": "somebody"}))
    assert told(land.assume(role)) == ("AccessDenied", DENIED)
    request_id = land.local.events[-1].request_id
    explained = explain_refusal(land.local.installation, {"id": request_id})
    assert f"{HOST}:sub" in explained["text"]
    assert SUBJECT in explained["text"]
    land.local.installation.upkeep.write_refusals()
    again = explain_refusal(land.local.installation, {"id": request_id})
    assert again["text"] == explained["text"]


def test_strangers_drive_out_no_refusal_of_a_bearer(land: Land) -> None:
    """Why somebody with a proof was refused is kept, however many come without one."""
    land.assume(land.role("nobodys", land.trusting(StringEquals={f"{HOST}:sub": "nobody"})))
    request_id = land.local.events[-1].request_id
    for _ in range(260):
        land.local.send(land.request(land.roles["web"], "no.token.at-all"))
    assert explain_refusal(land.local.installation, {"id": request_id})["text"]


def test_strangers_drive_out_no_reason_of_another_network(land: Land) -> None:
    """Why a proof failed is kept, however many fail elsewhere; a network loses its own oldest."""
    garbage = land.request(land.roles["web"], "no.token.at-all")

    def refused_from(address: str) -> str:
        answer = land.local.send(msgspec.structs.replace(garbage, source_ip=address))
        return answer.headers["x-amzn-RequestId"]

    first = refused_from("192.0.2.1")
    flood = [refused_from("198.51.100.7") for _ in range(300)]
    for request_id in (first, flood[-1]):
        assert explain_refusal(land.local.installation, {"id": request_id})["text"]
    with pytest.raises(Failure):
        explain_refusal(land.local.installation, {"id": flood[0]})


def test_a_question_of_the_operator(land: Land) -> None:
    """Would somebody for whom this provider vouches be let in?  The claims are given."""
    role = land.role("asked-about", land.trusting(StringEquals={f"{HOST}:sub": "jo"}))
    asked = {
        "principal": land.provider,
        "action": "sts:AssumeRoleWithWebIdentity",
        "resource": role,
    }
    for subject, decision in (("jo", "Allowed"), ("al", "ImplicitlyDenied")):
        context = {f"{HOST}:sub": [subject]}
        explained = explain_one(land.local.installation, {**asked, "context": context})
        assert explained["decision"] == decision
        assert f"{HOST}:sub" in explained["text"]
    with pytest.raises(Failure, match="there is no principal"):
        explain_one(land.local.installation, {**asked, "principal": f"{land.provider}x"})


def test_a_slash_at_the_end(land: Land) -> None:
    """An issuer may end in a slash, as those of some providers do; then it is another provider."""
    url = f"{URL}/tenant/"
    arn = f"arn:aws:iam::{land.account}:oidc-provider/{HOST}/tenant/"
    land.create_provider(url)
    role = land.role("tenant", land.trusting(principal={"Federated": arn}))
    land.issuer.pages["/tenant/.well-known/openid-configuration"] = lambda: (
        200, {}, json.dumps({"issuer": url, "jwks_uri": f"{URL}/keys"}).encode(),
    )  # fmt: skip
    assert land.assume(role, land.token(iss=url)).status == 200, land.why
    assert told(land.assume(role, land.token(iss=url[:-1])))[0] == "InvalidIdentityToken"
    assert told(land.assume(role, land.token())) == ("AccessDenied", DENIED)


def test_who_can(land: Land) -> None:
    """Whom a trust policy lets in with a proof: the provider's people, under its conditions."""
    asked = {"action": "sts:AssumeRoleWithWebIdentity"}
    statement = land.trusting(StringEquals={f"{HOST}:sub": "jo"})
    narrow = land.role("who-can", statement)
    [row] = who_can(land.local.installation, {**asked, "resource": narrow})["principals"]
    assert (row["principal"], row["known"]) == (land.provider, False)
    assert f"{HOST}:sub" in json.dumps(row["ways"])
    everybody = land.role("who-can-all", land.trusting(principal="*"))
    assert who_can(land.local.installation, {**asked, "resource": everybody})["principals"] == []
    given = {**asked, "resource": narrow, "context": {f"{HOST}:sub": "other"}}
    assert who_can(land.local.installation, given)["principals"] == []


def test_a_projected_token(land: Land) -> None:
    """A pod's token, in the form that Kubernetes gives it."""
    pod = {"name": "web-7d4b9", "uid": "0a2b1e9c-1f6e-4f58-9d0f-8a6f0c1c2d3e"}
    claims = land.claims(
        aud=[CLIENT], nbf=land.now - 5, iat=land.now - 5, exp=land.now - 5 + 86_400,
        jti="b1a7",
        **{"kubernetes.io": {"namespace": "shop", "node": pod, "pod": pod,
                             "serviceaccount": {"name": "web", "uid": pod["uid"]}}},
    )  # fmt: skip
    token = signed(claims, rsa_key("one"), header=b'{"alg":"RS256","kid":"one"}')
    assert text(land.assume(land.roles["web"], token), "Audience") == CLIENT
    assert land.assume(
        land.role("pods", land.trusting(Null={f"{HOST}:kubernetes.io": "true"})), token
    ).status == 200  # fmt: skip


def test_tags(land: Land) -> None:
    """The tags of a token are those of the session, if the role lets them be passed."""
    tags = {"principal_tags": {"Team": ["blue"], "Cost": ["7"]}, "transitive_tag_keys": ["Team"]}
    token = land.token(**{"https://aws.amazon.com/tags": tags})
    flat = land.token(**{
        "https://aws.amazon.com/tags/principal_tags/Team": ["blue"],
        "https://aws.amazon.com/tags/transitive_tag_keys": ["Team"],
    })  # fmt: skip
    assert told(land.assume(land.roles["web"], token)) == ("AccessDenied", DENIED)
    role = land.role("tags", land.trusting("sts:TagSession"))
    statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
                 "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}}  # fmt: skip
    land.iam("PutRolePolicy", RoleName="tags", PolicyName="all",
             PolicyDocument=document(statement))  # fmt: skip
    for each in (token, flat):
        assert land.local.iam("ListUsers", land.session(role, each)).status == 200
    assert land.local.iam("ListUsers", land.session(role)).status == 403
    narrow = land.role("narrow-tags", land.trusting(
        "sts:TagSession", StringEquals={"aws:RequestTag/Team": "red"}))  # fmt: skip
    assert told(land.assume(narrow, token)) == ("AccessDenied", DENIED)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("tags", "Team=blue"), ("tags", {"principal_tags": ["Team"]}),
        ("tags", {"principal_tags": {"Team": ["blue", "red"]}}),
        ("tags", {"principal_tags": {"aws:x": ["y"]}}),
        ("tags", {"principal_tags": {"Team": ["a"], "team": ["b"]}}),
        ("tags", {"principal_tags": {}, "transitive_tag_keys": ["Team"]}),
        ("source_identity", "aws:root"), ("source_identity", "a b"), ("source_identity", 7),
    ],
)  # fmt: skip
def test_claims_that_no_session_can_have(land: Land, claim: str, value: Any) -> None:
    """A provider that signs what cannot be used is told so."""
    token = land.token(**{f"https://aws.amazon.com/{claim}": value})
    code, _ = told(answer := land.assume(land.roles["web"], token))
    assert (code, answer.status) == ("IDPRejectedClaim", 403)
    assert "step 8" in land.why


def test_source_identity(land: Land) -> None:
    """It needs a permission of its own, is in the answer, and stays with the session."""
    token = land.token(**{"https://aws.amazon.com/source_identity": "jo"})
    assert told(land.assume(land.roles["web"], token)) == ("AccessDenied", DENIED)
    role = land.role("sourced", land.trusting("sts:SetSourceIdentity"))
    assert text(land.assume(role, token), "SourceIdentity") == "jo"
    land.local.iam("ListUsers", land.session(role, token))
    assert land.local.events[-1].session["sourceIdentity"] == "jo"


def test_session_policies(land: Land) -> None:
    """A policy that is passed bounds the session; its size is told."""
    policy = document({"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"})
    answer = land.assume(land.roles["web"], Policy=policy)
    assert int(text(answer, "PackedPolicySize")) > 0
    bound = land.session(land.roles["web"], Policy=policy)
    assert land.local.iam("ListUsers", bound).status == 403
    assert land.local.iam("GetRole", bound, RoleName="web").status == 200
    arn = {"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    assert land.assume(land.roles["web"], **arn).status in (200, 400)
    code, _ = told(land.assume(land.roles["web"], Policy="{"))
    assert code == "MalformedPolicyDocument"


@pytest.mark.parametrize(("seconds", "code"), [(900, ""), (3600, ""), (3601, "ValidationError"),
                                              (899, "ValidationError")])  # fmt: skip
def test_durations(land: Land, seconds: int, code: str) -> None:
    """From a quarter of an hour to what the role allows; an hour unless it says more."""
    answer = land.assume(land.roles["web"], DurationSeconds=str(seconds))
    assert told(answer)[0] == code, answer.body


def test_a_session_ends_in_time(land: Land) -> None:
    """It does not end with its token, but when it was said to."""
    who = land.session(land.roles["web"], DurationSeconds="900")
    land.local.time.passes(timedelta(seconds=899))
    assert land.who(who).status == 200
    land.local.time.passes(timedelta(seconds=2))
    assert land.who(who).status == 403


def test_a_token_counts_again(land: Land) -> None:
    """As at AWS: a pod reads the same file until the token is over."""
    token = land.token()
    assert (
        land.session(land.roles["web"], token).token != land.session(land.roles["web"], token).token
    )


@pytest.mark.parametrize("change", ["thumbprint", "client added", "client removed", "deleted"])
def test_a_changed_provider_ends_its_sessions(land: Land, change: str) -> None:
    """At once, also if it is changed back or made anew; its tags do not matter."""
    url = f"{URL}/{change.replace(' ', '-')}"
    name = url.removeprefix("https://")
    arn = f"arn:aws:iam::{land.account}:oidc-provider/{name}"
    land.issuer.pages[f"{url.removeprefix(URL)}/.well-known/openid-configuration"] = lambda: (
        200, {}, json.dumps({"issuer": url, "jwks_uri": f"{URL}/keys"}).encode(),
    )  # fmt: skip
    land.create_provider(url, CLIENT, "other")
    role = land.role(f"of-{change.replace(' ', '-')}", land.trusting(principal={"Federated": arn}))
    named = {"OpenIDConnectProviderArn": arn}
    who = land.session(role, land.token(iss=url))
    land.iam("TagOpenIDConnectProvider", **named,
             **{"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"})  # fmt: skip
    assert land.who(who).status == 200
    thumbprints = {"ThumbprintList.member.1": land.issuer.thumbprint}
    if change == "thumbprint":
        more = {"ThumbprintList.member.2": "0" * 40}
        land.iam("UpdateOpenIDConnectProviderThumbprint", **named, **thumbprints, **more)
        assert land.who(who).status == 403
        land.iam("UpdateOpenIDConnectProviderThumbprint", **named, **thumbprints)
    elif change == "deleted":
        land.iam("DeleteOpenIDConnectProvider", **named)
        assert land.who(who).status == 403
        land.create_provider(url, CLIENT, "other")
    elif change == "client added":
        land.iam("AddClientIDToOpenIDConnectProvider", **named, ClientID="third")
    else:
        land.iam("RemoveClientIDFromOpenIDConnectProvider", **named, ClientID="other")
    assert told(land.who(who))[0] == "InvalidClientTokenId"
    assert land.who(land.session(role, land.token(iss=url))).status == 200


def test_scoped_and_chained_sessions(land: Land) -> None:
    """A session that was narrowed still depends on the provider."""
    url = f"{URL}/narrowed"
    arn = f"arn:aws:iam::{land.account}:oidc-provider/{HOST}/narrowed"
    land.issuer.pages["/narrowed/.well-known/openid-configuration"] = lambda: (
        200, {}, json.dumps({"issuer": url, "jwks_uri": f"{URL}/keys"}).encode(),
    )  # fmt: skip
    land.create_provider(url)
    role = land.role("narrowed", land.trusting(principal={"Federated": arn}))
    who = land.session(role, land.token(iss=url))
    answer = land.local.sts("GetScopedCredentials", who, DurationSeconds="60")
    assert answer.status == 200, answer.body
    narrow = credentials(answer)
    chain = land.role("chain", {"Effect": "Allow", "Principal": {"AWS": land.account},
                                "Action": "sts:AssumeRole"})  # fmt: skip
    asked = {"RoleArn": chain, "RoleSessionName": "chain"}
    sessions, own = [who, narrow], credentials(land.local.sts("AssumeRole", **asked))
    for _ in range(3):  # from role to role
        sessions.append(credentials(land.local.sts("AssumeRole", sessions[-1], **asked)))
    assert [land.who(each).status for each in (*sessions, own)] == [200] * 6
    land.iam("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    assert [land.who(each).status for each in (*sessions, own)] == [403] * 5 + [200]
    assert land.local.sts("AssumeRole", sessions[-1], **asked).status == 403


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"])
def test_algorithms(land: Land, algorithm: str) -> None:
    """Every algorithm of AWS's list, with a key of its kind."""
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    key: Any = ec_key(curves[algorithm]) if algorithm in curves else rsa_key("one")
    land.issuer.keys = [jwk(key, algorithm), jwk(rsa_key("one"), "one")]
    land.local.time.monotonic += 60  # the provider may be asked again
    token = signed(land.claims(), key, algorithm, algorithm)
    assert land.assume(land.roles["web"], token).status == 200, land.why


def test_who_signs_is_not_asked(land: Land) -> None:
    """A signature beside the token is not read: the proof is the token alone."""
    request = land.request(land.roles["web"], land.token())
    headers = {**request.headers, "authorization": "AWS4-HMAC-SHA256 Credential=nonsense"}
    answer = land.local.send(type(request)(
        "POST", "/", "", headers, request.body, "192.0.2.7", False, request.endpoint))  # fmt: skip
    assert answer.status == 200, answer.body
    bad = land.request(land.roles["web"], "a.b.c")
    assert told(land.local.send(bad)) == ("InvalidIdentityToken", INVALID)


def test_an_action_at_the_end(land: Land) -> None:
    """Some SDKs write the action last, behind a token that is longer than what is read at first."""
    token = land.token(filler="x" * 6_000)
    request = land.request(land.roles["web"], token)
    head, _, rest = request.body.partition(b"&Version")
    moved = rest.partition(b"&")[2] + b"&" + head + b"&Version=2011-06-15"
    answer = land.local.send(type(request)(
        "POST", "/", "", request.headers, moved, "192.0.2.7", False, request.endpoint))  # fmt: skip
    assert answer.status == 200, answer.body


def test_a_long_form_is_refused(land: Land) -> None:
    """More than any honest request has is not read."""
    answer = land.assume(land.roles["web"], Policy="x" * 66_000)
    assert answer.status == 413, answer.body
