"""A service uses keys in its own name, where their policies or grants name it, for its sources."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.failures import Failure
from tests.server.installations import REGION, Local, open_local, reopen
from tests.services.land import (
    NAME,
    Service,
    allow,
    ceremony,
    change,
    code,
    document,
    key,
    register,
    shelf,
)

USE = ("kms:Encrypt", "kms:Decrypt")
HELLO = "aGVsbG8="


@pytest.fixture(scope="module")
def land(land: Local) -> Local:
    """The installation, with an organization."""
    assert land.organizations("CreateOrganization", FeatureSet="ALL").status == 200
    return land


@pytest.fixture(scope="module")
def service(land: Local) -> Service:
    return register(land)


@pytest.fixture(scope="module")
def other(land: Local) -> str:
    """Another account."""
    made = ceremony(land, "account create", email="other@example.com")
    return str(made["AccountId"])


def test_a_policy_that_names_the_service_lets_it_use_the_key(land: Local, service: Service) -> None:
    """A key policy that names the service is all that it needs; another key's does not help."""
    named, silent = key(land, allow(NAME, USE)), key(land)

    assert service.kms("Encrypt", KeyId=named, Plaintext=HELLO).status == 200
    assert code(service.kms("Encrypt", KeyId=silent, Plaintext=HELLO)) == "AccessDeniedException"


def test_the_policy_counts_as_it_is_now(land: Local, service: Service) -> None:
    """A key policy that leaves the service out is obeyed by the next call; so is its return."""
    arn = key(land, allow(NAME, USE))
    blob = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO).json["CiphertextBlob"]

    change(land, arn)
    refused = service.kms("Decrypt", KeyId=arn, CiphertextBlob=blob)
    change(land, arn, allow(NAME, USE))
    again = service.kms("Decrypt", KeyId=arn, CiphertextBlob=blob)

    assert code(refused) == "AccessDeniedException"
    assert again.json["Plaintext"] == HELLO


def test_a_regional_name_is_the_service_too(land: Local, service: Service) -> None:
    """A policy may name the service in the Region of the call; one of another Region does not."""
    here = key(land, allow(f"warehouse.{REGION}.example.internal", USE))
    there = key(land, allow("warehouse.eu-west-9.example.internal", USE))

    assert service.kms("Encrypt", KeyId=here, Plaintext=HELLO).status == 200
    assert code(service.kms("Encrypt", KeyId=there, Plaintext=HELLO)) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("operator", "name", "value", "holds"),
    [
        ("Bool", "aws:PrincipalIsAWSService", "true", True),
        ("Bool", "aws:PrincipalIsAWSService", "false", False),
        ("StringEquals", "aws:PrincipalServiceName", NAME, True),
        ("StringEquals", "aws:PrincipalServiceName", "other.example.internal", False),
        ("ForAnyValue:StringEquals", "aws:PrincipalServiceNamesList",
         f"warehouse.{REGION}.example.internal", True),
        ("ForAnyValue:StringEquals", "aws:PrincipalServiceNamesList", "x.example.internal", False),
        ("Null", "aws:PrincipalType", "true", True),
        ("Null", "aws:PrincipalType", "false", False),
        ("Null", "aws:PrincipalAccount", "true", True),
        ("Null", "aws:PrincipalAccount", "false", False),
        ("Null", "kms:CallerAccount", "true", True),
        ("Null", "kms:ViaService", "true", True),
        ("Bool", "aws:ViaAWSService", "false", True),
        ("Null", "aws:CalledVia", "true", True),
    ],
)  # fmt: skip
def test_what_policies_see_of_the_service(  # noqa: PLR0917  # the columns of its table
    land: Local, service: Service, operator: str, name: str, value: str, holds: bool
) -> None:
    """The condition keys of a service principal, each with a value that is not its own."""
    arn = key(land, allow(NAME, USE, **{operator: {name: value}}))

    answer = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO)

    assert (answer.status == 200) is holds


def guards(account: str) -> dict[str, dict[str, dict[str, str]]]:
    """A condition on each fact about a source that a key policy guards itself with."""
    return {
        "aws:SourceArn": {"ArnEquals": {"aws:SourceArn": shelf(account)}},
        "aws:SourceAccount": {"StringEquals": {"aws:SourceAccount": account}},
    }


@pytest.mark.parametrize("guard", ["aws:SourceArn", "aws:SourceAccount"])
def test_a_deputy_is_not_confused(land: Local, service: Service, other: str, guard: str) -> None:
    """A key for one account's shelf is not used for another account's, or for nobody's."""
    ours = land.founded.account_id
    wide = register_for_all(land)
    arn = key(land, allow(wide.name, USE, **guards(ours)[guard]))
    theirs = shelf(other).replace("warehouse", "depot")
    own = shelf(ours).replace("warehouse", "depot")
    if guard == "aws:SourceArn":
        change(land, arn, allow(wide.name, USE, ArnEquals={"aws:SourceArn": own}))

    allowed = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=own)
    for_another = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=theirs)
    for_nobody = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO)

    assert allowed.status == 200
    assert [code(each) for each in (for_another, for_nobody)] == ["AccessDeniedException"] * 2


_WIDE: dict[int, Service] = {}


def register_for_all(land: Local) -> Service:
    """A service whose sources may be in every account."""
    if id(land) not in _WIDE:
        _WIDE[id(land)] = register(land, "depot.example.internal", source_accounts=["*"])
    return _WIDE[id(land)]


def test_an_organization_guards_a_key(land: Local, other: str) -> None:
    """`aws:SourceOrgID` and `aws:SourceOrgPaths` come from the store, for the source's account."""
    wide = register_for_all(land)
    organization = land.organizations("DescribeOrganization").json["Organization"]
    root = land.organizations("ListRoots").json["Roots"][0]["Id"]
    path = f"{organization['Id']}/{root}/*"
    by_id = {"StringEquals": {"aws:SourceOrgID": organization["Id"]}}
    by_path = {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": path}}
    ours = land.founded.account_id

    for condition in (by_id, by_path):
        arn = key(land, allow(wide.name, USE, **condition))
        inside = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO, account=ours)
        outside = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO, account=other)
        nowhere = wide.kms("Encrypt", KeyId=arn, Plaintext=HELLO)

        assert inside.status == 200
        assert [code(outside), code(nowhere)] == ["AccessDeniedException"] * 2


NOT_COVERED: dict[str, Callable[[str, str], dict[str, str]]] = {
    "another kind of thing": lambda own, _: {"arn": f"arn:aws:s3:::{own}"},
    "a thing of an account that is not covered": lambda _, other: {"arn": shelf(other)},
    "an account that is not covered": lambda _, other: {"account": other},
    "an account that is none": lambda _, __: {"account": "000000000000"},
    "a text that is no account": lambda own, _: {"account": f"{own} "[:11]},
    "an account beside that of the thing": lambda own, other: {"arn": shelf(own), "account": other},
    "a text that is no ARN": lambda _, __: {"arn": "shelf/7"},
    "the pattern itself": lambda _, __: {"arn": "arn:aws:warehouse:*"},
}


@pytest.mark.parametrize("case", NOT_COVERED)
def test_a_service_names_only_sources_that_are_covered(
    land: Local, service: Service, other: str, case: str
) -> None:
    """What the registration does not cover is refused, though the key's policy asks for none."""
    own = land.founded.account_id
    arn = key(land, allow(NAME, USE))

    answer = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, **NOT_COVERED[case](own, other))
    twin = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own), account=own)

    assert code(answer) == "AccessDeniedException"
    assert "may not name this source" in answer.json["Message"]
    assert twin.status == 200


def test_the_account_of_a_closed_source_speaks_for_nobody(land: Local) -> None:
    """A source in an account that is suspended is not covered; it is again when that reopens."""
    wide = register_for_all(land)
    account = str(ceremony(land, "account create", email="closing@example.com")["AccountId"])
    arn = key(land, allow(wide.name, USE))
    asked: dict[str, Any] = {"KeyId": arn, "Plaintext": HELLO, "account": account}

    assert wide.kms("Encrypt", **asked).status == 200
    ceremony(land, "account suspend", account_id=account)
    assert code(wide.kms("Encrypt", **asked)) == "AccessDeniedException"
    ceremony(land, "account reopen", account_id=account)
    assert wide.kms("Encrypt", **asked).status == 200


def test_only_a_service_has_a_source(land: Local) -> None:
    """The headers of a user mean nothing, whatever they name."""
    own = land.founded.account_id
    admin = Service(land, "", land.admin)
    guarded = key(land)
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {"Null": {"aws:SourceArn": "true"}},
    }  # fmt: skip
    change(land, guarded, deny)

    answer = admin.kms("Encrypt", KeyId=guarded, Plaintext=HELLO, arn=shelf(own), account=own)
    twin = admin.kms("Encrypt", KeyId=key(land), Plaintext=HELLO, arn="nonsense", account="x")

    assert code(answer) == "AccessDeniedException"
    assert twin.status == 200


def test_a_source_must_be_signed(land: Local, service: Service) -> None:
    """A source that was added to a signed request is refused."""
    request = service.local.json_request(
        "kms", "Encrypt", service.credentials,
        KeyId=key(land, allow(NAME, USE)), Plaintext=HELLO,
    )  # fmt: skip
    forged = {**request.headers, "x-amz-source-account": land.founded.account_id}

    assert land.send(request).status == 200
    answer = land.send(type(request)(
        request.method, request.path, request.query, forged, request.body, request.source_ip,
        request.secure, request.endpoint,
    ))  # fmt: skip
    assert code(answer) == "InvalidSignatureException"


def grant(land: Local, key_id: str, source: str, **more: Any) -> dict[str, Any]:
    """A grant for the service, for one source."""
    members = {
        "KeyId": key_id, "GranteeServicePrincipal": NAME, "RetiringServicePrincipal": NAME,
        "Operations": ["Encrypt", "Decrypt", "DescribeKey"],
        "Constraints": {"SourceArn": source}, **more,
    }  # fmt: skip
    answer = land.kms("CreateGrant", **members)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_grant_for_one_source(land: Local, service: Service) -> None:
    """A grant lets the service act for its source, and for no other; the service may retire it."""
    own = land.founded.account_id
    arn = key(land)
    before = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own))
    made = grant(land, arn, shelf(own))

    allowed = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own))
    described = service.kms("DescribeKey", KeyId=arn, arn=shelf(own))
    for_another = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own, 8))
    for_nobody = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO)
    listed = service.kms("ListRetirableGrants", RetiringServicePrincipal=NAME).json["Grants"]
    retired = service.kms("RetireGrant", KeyId=arn, GrantId=made["GrantId"])
    after = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own))

    assert [each.status for each in (allowed, described, retired)] == [200] * 3
    assert made["GrantId"] in [each["GrantId"] for each in listed]
    refused = (before, for_another, for_nobody, after)
    assert [code(each) for each in refused] == ["AccessDeniedException"] * 4


def test_only_services_list_by_service(land: Local, service: Service) -> None:
    """The members that name a service are for services, and only for themselves."""
    arn = key(land, allow(NAME, ["kms:ListGrants"]))
    grant(land, arn, shelf(land.founded.account_id))

    assert (
        len(service.kms("ListGrants", KeyId=arn, GranteeServicePrincipal=NAME).json["Grants"]) == 1
    )
    assert (
        code(land.kms("ListGrants", KeyId=arn, GranteeServicePrincipal=NAME))
        == "ValidationException"
    )
    own = land.kms("ListRetirableGrants", RetiringServicePrincipal=NAME)
    assert code(own) == "ValidationException"
    others = service.kms("ListRetirableGrants", RetiringServicePrincipal="depot.example.internal")
    assert code(others) == "InvalidArnException"


def test_reencrypt_carries_one_source(land: Local, service: Service) -> None:
    """A service moves data between keys only under grants for the source that it names."""
    own = land.founded.account_id
    operations = ["Encrypt", "ReEncryptFrom", "ReEncryptTo"]
    first, second, third = key(land), key(land), key(land)
    for each, number in ((first, 7), (second, 7), (third, 8)):
        grant(land, each, shelf(own, number), Operations=operations)
    sealed = service.kms("Encrypt", KeyId=first, Plaintext=HELLO, arn=shelf(own))
    blob = sealed.json["CiphertextBlob"]

    same = service.kms("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=second, arn=shelf(own))
    mixed = service.kms("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=third, arn=shelf(own))

    assert same.status == 200
    assert code(mixed) == "AccessDeniedException"


def test_the_record_names_the_service(land: Local, service: Service) -> None:
    """CloudTrail shows the service as caller and as address, in the log of the key's account."""
    arn = key(land, allow(NAME, USE))
    service.kms("Encrypt", KeyId=arn, Plaintext=HELLO)

    event = land.events[-1]
    record = land.installation.trail._recorder.record(event, 1)  # as it is written
    assert bytes(record.user_identity) == b'{"type":"AWSService","invokedBy":"%s"}' % NAME.encode()
    assert (record.source_ip_address, record.user_agent) == (NAME, NAME)
    assert record.recipient_account_id == land.founded.account_id
    assert record.keystead.client_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("service_name", "operation", "members"),
    [
        ("kms", "CreateKey", {}),
        ("kms", "ListKeys", {}),
        ("kms", "ListAliases", {}),
        ("kms", "GenerateRandom", {"NumberOfBytes": 8}),
        ("organizations", "DescribeOrganization", {}),
        ("cloudtrail", "LookupEvents", {}),
    ],
)
def test_a_service_is_nobody_in_an_account(
    land: Local, service: Service, service_name: str, operation: str, members: Any
) -> None:
    """What needs an account's own policies is refused to a service, whoever administers it."""
    asked = land.json_request(service_name, operation, service.credentials, **members)
    twin = land.json_request(service_name, operation, land.admin, **members)

    assert land.send(asked).status in (400, 403)
    assert code(land.send(asked)) in ("AccessDeniedException", "AccessDenied")
    assert land.send(twin).status == 200


def test_iam_takes_no_services(land: Local, service: Service) -> None:
    """IAM takes no credentials of services; STS tells a service who it is."""
    assert land.iam("ListUsers", service.credentials).status == 403
    told = land.sts("GetCallerIdentity", service.credentials)
    assert told.status == 200
    assert NAME.encode() in told.body
    assert land.sts("GetSessionToken", service.credentials).status == 403


def test_a_service_is_alone_in_its_quota(land: Local, service: Service) -> None:
    """It gets all calls of STS, where a user gets a half: nobody shares the quota with it."""
    settings = land.installation.config
    numbered = replace(settings, request_quotas=True, quotas=("STS requests=6",))
    land.installation.use(numbered)
    try:
        for who, allowed in ((service.credentials, 6), (land.admin, 3)):
            told = [land.sts("GetCallerIdentity", who).status for _ in range(9)]
            assert told.count(200) == allowed
    finally:
        land.installation.use(settings)


# roles


def role(land: Local, name: str, *statements: Any) -> str:
    """The ARN of a new role that these statements let in; it may use every key."""
    land.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=document(*statements))
    use = document({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    land.iam("PutRolePolicy", RoleName=name, PolicyName="use", PolicyDocument=use)
    return f"arn:aws:iam::{land.founded.account_id}:role/{name}"


def trust(name: str, **conditions: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole"}
    return {**statement, **({"Condition": conditions} if conditions else {})}


def assume(land: Local, service: Service, arn: str, **headers: str) -> Any:
    form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=job&RoleArn=" + arn.replace(
        ":", "%3A"
    ).replace("/", "%2F")
    return land.send(
        land.request(
            "sts", form.encode(), service.credentials,
            Content_Type="application/x-www-form-urlencoded", **headers,
        )
    )  # fmt: skip


def test_a_service_assumes_a_role_that_trusts_it(land: Local, service: Service) -> None:
    """A service role is assumed by the service that its trust policy names, and by no other."""
    ours = role(land, "for-warehouse", trust(NAME))
    theirs = role(land, "for-depot", trust("depot.example.internal"))

    assert assume(land, service, ours).status == 200
    assert assume(land, service, theirs).status == 403


def test_a_trust_policy_guards_against_a_confused_deputy(
    land: Local, service: Service, other: str
) -> None:
    """A role that is for one source is not assumed for another."""
    own = land.founded.account_id
    guarded = role(
        land, "guarded",
        trust(NAME, StringEquals={"aws:SourceAccount": own}, ArnLike={"aws:SourceArn": shelf(own)}),
    )  # fmt: skip

    right = assume(land, service, guarded, X_Amz_Source_Arn=shelf(own))
    wrong = assume(land, service, guarded, X_Amz_Source_Arn=shelf(own, 8))
    none = assume(land, service, guarded)

    assert [right.status, wrong.status, none.status] == [200, 403, 403]


# the life of a registration


def session_of(answer: Any) -> Any:
    """The credentials in an answer of AssumeRole."""
    text = answer.body.decode()
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Credentials(*(re.findall(f"<{name}>(.*?)</{name}>", text)[0] for name in names))


@pytest.mark.parametrize("ending", ["service rotate", "service deregister"])
def test_keys_and_sessions_end_at_once(land: Local, ending: str) -> None:
    """When the ceremony returns, the key is refused, and every session that it began."""
    name = f"{ending[8:]}.example.internal"
    going = register(land, name)
    arn = key(land, allow(name, USE))
    session = session_of(assume(land, going, role(land, ending[8:], trust(name))))
    chained_trust = {"Effect": "Allow", "Action": "sts:AssumeRole",
                     "Principal": {"AWS": land.founded.account_id}}  # fmt: skip
    chained_arn = role(land, f"{ending[8:]}-chained", chained_trust)
    wide = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    land.iam("PutRolePolicy", RoleName=ending[8:], PolicyName="all", PolicyDocument=wide)
    chained = session_of(land.sts("AssumeRole", session, RoleArn=chained_arn, RoleSessionName="on"))
    for who in (going.credentials, session, chained):
        assert land.kms("DescribeKey" if who is not going.credentials else "Encrypt", who,
                        KeyId=arn, **({} if who is not going.credentials else
                                      {"Plaintext": HELLO})).status == 200  # fmt: skip

    told = ceremony(land, ending, name=name)

    for who in (going.credentials, session, chained):
        assert code(land.kms("DescribeKey", who, KeyId=arn)) == "UnrecognizedClientException"
    if ending == "service rotate":
        going.credentials.access_key = told["AccessKeyId"]
        going.credentials.secret_key = told["SecretAccessKey"]
        assert going.kms("Encrypt", KeyId=arn, Plaintext=HELLO).status == 200


def test_a_rotation_can_leave_the_newest_key(land: Local) -> None:
    """With `keep_newest` there are two keys, until the next rotation."""
    name = "overlapping.example.internal"
    first = register(land, name)
    arn = key(land, allow(name, USE))
    told = ceremony(land, "service rotate", name=name, keep_newest=True)
    second = type(first)(
        land, name, type(first.credentials)(told["AccessKeyId"], told["SecretAccessKey"])
    )
    ask = {"KeyId": arn, "Plaintext": HELLO}

    assert [each.kms("Encrypt", **ask).status for each in (first, second)] == [200, 200]
    ceremony(land, "service rotate", name=name, keep_newest=True)
    assert code(first.kms("Encrypt", **ask)) == "UnrecognizedClientException"
    assert second.kms("Encrypt", **ask).status == 200


REFUSED_NAMES = [
    "kms.amazonaws.com", "ec2.amazonaws.com", "new.amazonaws.com", "s3.amazonaws.com.cn",
    "x.y.amazonaws.com", "amazonaws.com", "accounts.google.com", "graph.facebook.com",
    "cognito-identity.amazonaws.com", "www.amazon.com", "Warehouse2.example.internal",
    "warehouse2", "-a.example", "a_b.example", "a..b", "kms.example.internal",
    "warehouse2.eu-west-1.example.internal", "*.example.internal", "a.b/c", "a.b ",
    f"{'a' * 64}.example", f"a.{'.'.join(['b' * 60] * 3)}", "",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_names_that_no_service_can_have(land: Local, name: str) -> None:
    """AWS's names, names of identity providers, and names that are none, are refused."""
    with pytest.raises(Failure):
        register(land, name)


@pytest.mark.parametrize("name", ["s3.amazonaws.com", "archive.example.internal", "a.b"])
def test_names_that_a_service_can_have(land: Local, name: str) -> None:
    """Their twins: a name of the fixed list, and names of the site."""
    assert (
        register(land, name)
        .kms("Encrypt", KeyId=key(land, allow(name, USE)), Plaintext=HELLO)
        .status
        == 200
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": NAME},  # it is registered
        {"name": "warehouse.elsewhere.internal"},  # the same label
        {"hosts": [NAME]},
        {"hosts": ["UPPER.example"]},
        {"hosts": ["a b"]},
        {"actions": ["s3:GetObject"]},
        {"actions": ["*"]},
        {"scope": "kms"},
        {"source_arns": ["*"]},
        {"source_arns": ["arn:aws:x"]},
        {"source_accounts": ["000000000001"]},
        {"source_accounts": ["all"]},
        {"account_id": "000000000001"},
        {"account_id": "*"},
        {"actions": [f"kms:A{n}" for n in range(51)]},
    ],
)
def test_registrations_that_are_refused(
    land: Local, service: Service, arguments: dict[str, Any]
) -> None:
    """Each refusal has a twin that differs in this one thing."""
    with pytest.raises(Failure):
        register(land, **{"name": "refused.example.internal", **arguments})
    register(land, "refused.example.internal")
    ceremony(land, "service deregister", name="refused.example.internal")


def test_a_registration_outlives_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The name stays, with its credentials and what it covers."""
    local = open_local(tmp_path_factory.mktemp("restart") / "data")
    service = register(local)
    arn = key(local, allow(NAME, USE, StringEquals={"aws:SourceAccount": local.founded.account_id}))
    again = reopen(local)
    try:
        service.local = again
        own = again.founded.account_id
        assert service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, account=own).status == 200
        [told] = ceremony(again, "service list")["Services"]
        assert told["ServicePrincipal"] == NAME
        assert told["SourceArns"] == ["arn:aws:warehouse:*:*:*"]
    finally:
        again.installation.close()


def test_a_refusal_is_explained(land: Local, service: Service) -> None:
    """By its request id and as a question: which source a service named, and what was asked."""
    own = land.founded.account_id
    guarded = {"ArnEquals": {"aws:SourceArn": shelf(own)}}
    arn = key(land, allow(NAME, USE, **guarded))
    answer = service.kms("Encrypt", KeyId=arn, Plaintext=HELLO, arn=shelf(own, 8))
    assert code(answer) == "AccessDeniedException"

    by_id = ceremony(land, "explain refusal", id=answer.headers["x-amzn-RequestId"])
    asked = {"principal": NAME, "action": "kms:Encrypt", "resource": arn}
    wrong = ceremony(land, "explain", **asked, context={"aws:SourceArn": [shelf(own, 8)]})
    right = ceremony(land, "explain", **asked, context={"aws:SourceArn": [shelf(own)]})

    assert "aws:SourceArn" in by_id["text"]
    assert [wrong["decision"], right["decision"]] == ["ImplicitlyDenied", "Allowed"]
