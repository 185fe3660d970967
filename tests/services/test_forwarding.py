"""A service acts for a caller by the caller's own signed request (decision 0052)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.credentials import Credentials

from keystead.identity.sessions import secret_of
from tests.server.installations import REGION, Answered, Local, open_local, reopen
from tests.services.land import (
    HOST,
    NAME,
    NUMBERS,
    Store,
    allow,
    asked_by,
    ceremony,
    code,
    document,
    key,
    register,
    store,
)

HELLO = "aGVsbG8="
REFUSED = "AccessDeniedException"
NOT_TAKEN = "CallerNotAuthenticatedException"
GONE = "UnrecognizedClientException"


@pytest.fixture(scope="module")
def warehouse(land: Local) -> Store:
    return store(land)


@pytest.fixture(scope="module")
def other(land: Local) -> Store:
    return store(land, "depot.example.internal", hosts=["depot:1"])


def user(land: Local, name: str, *statements: Mapping[str, Any]) -> Credentials:
    """A user with these permissions, and an access key."""
    land.iam("CreateUser", UserName=name)
    text = document(*statements or (DENIES_NOTHING,))
    land.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=text)
    return land.new_key(name)


DENIES_NOTHING = {"Effect": "Deny", "Action": "s3:NoSuchAction", "Resource": "*"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_the_caller_decides(land: Local, warehouse: Store) -> None:
    """What the caller may do the service may do for the caller, and nothing else."""
    arn = key(land)
    alice = user(land, "alice", {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": arn})
    session = warehouse.for_caller(alice)

    assert land.kms("Encrypt", session, KeyId=arn, Plaintext=HELLO).status == 200
    other_key = land.kms("Encrypt", session, KeyId=key(land), Plaintext=HELLO)
    other_action = land.kms("DescribeKey", session, KeyId=arn)
    own = warehouse.kms("Encrypt", KeyId=arn, Plaintext=HELLO)
    assert [code(each) for each in (other_key, other_action, own)] == [REFUSED] * 3


def test_the_registration_bounds_the_caller(land: Local, warehouse: Store) -> None:
    """An administrator's session does only what the registration lists."""
    session = warehouse.for_caller(land.admin)
    arn = key(land)

    assert land.kms("DescribeKey", session, KeyId=arn).status == 200
    refused = land.kms("DisableKey", session, KeyId=arn)
    assert code(refused) == REFUSED
    assert "scope-down policy" in refused.json["Message"]
    assert code(land.kms("ListKeys", session)) == REFUSED
    assert land.kms("DisableKey", KeyId=arn).status == 200


@pytest.mark.parametrize(
    ("operator", "name", "value", "holds"),
    [
        ("Bool", "aws:ViaAWSService", "true", True),
        ("Bool", "aws:ViaAWSService", "false", False),
        ("StringEquals", "kms:ViaService", f"warehouse.{REGION}.example.internal", True),
        ("StringEquals", "kms:ViaService", f"depot.{REGION}.example.internal", False),
        ("ForAnyValue:StringEquals", "aws:CalledVia", NAME, True),
        ("ForAnyValue:StringEquals", "aws:CalledVia", "depot.example.internal", False),
        ("StringEquals", "aws:CalledViaFirst", NAME, True),
        ("StringEquals", "aws:CalledViaLast", NAME, True),
        ("StringEquals", "aws:CalledViaLast", "x.example.internal", False),
        ("Bool", "aws:PrincipalIsAWSService", "false", True),
        ("Bool", "aws:PrincipalIsAWSService", "true", False),
        ("Null", "aws:PrincipalServiceName", "true", True),
        ("Null", "aws:SourceArn", "true", True),
        ("Null", "aws:MultiFactorAuthPresent", "true", True),
        ("Null", "aws:TokenIssueTime", "true", True),
        ("IpAddress", "aws:SourceIp", "127.0.0.1", True),
        ("IpAddress", "aws:SourceIp", "10.0.0.1", False),
    ],
)  # fmt: skip
def test_what_policies_see(  # noqa: PLR0917  # the columns of its table
    land: Local, warehouse: Store, operator: str, name: str, value: str, holds: bool
) -> None:
    """The server alone sets these keys; the caller has its facts, and the service its address."""
    number = next(NUMBERS)
    condition = {operator: {name: value}}
    who = user(land, f"seen-{number}", {**ALL, "Condition": condition})
    arn = key(land)

    answer = land.kms("Encrypt", warehouse.for_caller(who), KeyId=arn, Plaintext=HELLO)

    assert (answer.status == 200) is holds


def test_the_keys_of_a_call_are_of_its_region(land: Local, warehouse: Store) -> None:
    """`kms:GrantIsForAWSResource` is true for a grant that the service asks for, for the caller."""
    arn = key(land)
    condition = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    who = user(land, "granter", {**ALL, "Condition": condition})
    members = {"KeyId": arn, "Operations": ["Decrypt"],
               "GranteePrincipal": f"arn:aws:iam::{land.founded.account_id}:root"}  # fmt: skip

    assert land.kms("CreateGrant", warehouse.for_caller(who), **members).status == 200
    assert code(land.kms("CreateGrant", who, **members)) == REFUSED


def test_only_the_service_can_use_it(land: Local, warehouse: Store, other: Store) -> None:
    """The answer holds no secret: who saw it, or a later token, has nothing without it."""
    answer = warehouse.forward(asked_by(land, land.admin))
    session = warehouse.session(answer)
    arn = key(land)
    assert "Secret" not in answer.body.decode()

    for secret in (other.credentials.secret_key, land.admin.secret_key, ""):
        stolen = Credentials(
            session.access_key, secret_of(secret, session.access_key, session.token), session.token
        )
        assert code(land.kms("DescribeKey", stolen, KeyId=arn)) == "InvalidSignatureException"
    with_token = Credentials(
        other.credentials.access_key, other.credentials.secret_key, session.token
    )
    assert code(land.kms("DescribeKey", with_token, KeyId=arn)) == GONE
    assert land.kms("DescribeKey", session, KeyId=arn).status == 200


def test_a_request_is_forwarded_once(land: Local, warehouse: Store) -> None:
    """The same request is refused the second time, in any disguise; another one is taken."""
    request = asked_by(land, land.admin)
    assert warehouse.forward(request).status == 200
    disguises = [
        request,
        {**request, "Headers": {k.upper(): v for k, v in request["Headers"].items()}},
        {**request, "Headers": {**request["Headers"], "x-more": "y"}},
    ]
    for disguise in disguises:
        assert code(warehouse.forward(disguise)) == "AlreadyForwardedException"
    assert warehouse.forward(asked_by(land, land.admin)).status == 200


def test_once_across_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A restart forgets no request that was forwarded; what is stale goes, and is too old."""
    local = open_local(tmp_path_factory.mktemp("replay") / "data")
    service = store(local)
    request = asked_by(local, local.admin)
    assert service.forward(request).status == 200
    service.local = again = reopen(local)
    try:
        assert code(service.forward(request)) == "AlreadyForwardedException"
        again.time.passes(timedelta(seconds=310))
        assert code(service.forward(request)) == NOT_TAKEN
        for _ in range(2):
            assert service.forward(asked_by(again, again.admin)).status == 200
        reader = again.installation.store.read()
        [count] = reader.one("SELECT COUNT(*) FROM iam_forwarded") or [0]
        assert count == 2
    finally:
        again.installation.close()


def test_requests_that_are_not_taken(land: Local, warehouse: Store, other: Store) -> None:
    """A request for somebody else, or that was changed, is refused; each twin is taken."""
    good = asked_by(land, land.admin)
    wrong = Credentials(land.admin.access_key, "wrong")
    session = warehouse.for_caller(land.admin)
    cases = {
        "another host": asked_by(land, land.admin, host="depot:1"),
        "another scope": asked_by(land, land.admin, scope="depot"),
        "for KMS": asked_by(land, land.admin, scope="kms"),
        "another Region": asked_by(land, land.admin, region="eu-nowhere-1"),
        "a wrong secret": asked_by(land, wrong),
        "a service's": asked_by(land, other.credentials),
        "its own": asked_by(land, warehouse.credentials),
        "of a forwarded session": asked_by(land, session),
        "another body": {**good, "Body": "eA=="},
        "another path": {**good, "Path": "/shelf/8"},
        "another method": {**good, "Method": "GET"},
        "another query": {**good, "QueryString": "n=x"},
        "another header": {**good, "Headers": {**good["Headers"], "X-Amz-Date": "x"}},
        "an unsigned amz header": {
            **good, "Headers": {**good["Headers"], "X-Amz-Acl": "public-read"}
        },
        "no signature": {
            **good, "Headers": {k: v for k, v in good["Headers"].items() if k != "Authorization"}
        },
        "a hash of another body": {
            **{k: v for k, v in good.items() if k != "Body"}, "BodySha256": "0" * 64
        },
    }  # fmt: skip
    for case, request in cases.items():
        assert code(warehouse.forward(request)) == NOT_TAKEN, case
    unreadable = {
        "body and hash": {**good, "BodySha256": "0" * 64},
        "a header twice": {**good, "Headers": {**good["Headers"], "host": HOST}},
        "a line in a header": {**good, "Headers": {**good["Headers"], "X": "a\r\nb: c"}},
        "a query in the path": {**good, "Path": "/a?b"},
        "no path": {**good, "Path": "a"},
    }
    for case, request in unreadable.items():
        assert code(warehouse.forward(request)) == "ValidationException", case
    assert warehouse.forward(good).status == 200


def test_a_body_that_is_not_sent(land: Local, warehouse: Store) -> None:
    """A service that received a long body gives its hash."""
    request = asked_by(land, land.admin)
    body = base64.b64decode(request.pop("Body"))
    request["BodySha256"] = hashlib.sha256(body).hexdigest()

    assert warehouse.forward(request).status == 200


def test_s3_signs_paths_as_they_are(land: Local) -> None:
    """A request for `s3` has S3's canonical path, where other services encode it once more."""
    s3 = store(land, "s3.amazonaws.com", hosts=["s3:1"])
    path = "/bucket/a%20b//c/../d"
    request = asked_by(land, land.admin, scope="s3", host="s3:1", signer=S3SigV4Auth, path=path)

    assert s3.forward(request).status == 200
    assert code(s3.forward({**request, "Path": "/bucket/a%20b/d"})) == NOT_TAKEN


def test_only_services_forward(land: Local, warehouse: Store) -> None:
    """Nobody else may hand in a request; a service only if its registration lists actions."""
    silent = Store(land, "silent", register(land, "silent.example.internal").credentials)
    request = asked_by(land, land.admin)

    assert code(warehouse.forward(request, land.admin)) == REFUSED
    own = asked_by(land, land.admin, scope="silent", host="silent.example.internal")
    assert code(silent.forward(own)) == REFUSED
    assert warehouse.forward(request).status == 200


def test_a_forwarded_session_goes_nowhere(land: Local, warehouse: Store) -> None:
    """It assumes no role, is not narrowed, calls no other service, and forwards nothing."""
    session = warehouse.for_caller(land.admin)
    trusting = {"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": land.founded.account_id}}  # fmt: skip
    land.iam("CreateRole", RoleName="open", AssumeRolePolicyDocument=document(trusting))
    arn = f"arn:aws:iam::{land.founded.account_id}:role/open"
    scoped = {"Policy": document(ALL)}

    for who, statuses in ((session, {403}), (land.admin, {200})):
        assumed = land.sts("AssumeRole", who, RoleArn=arn, RoleSessionName="me")
        assert {assumed.status} == statuses
        assert {land.iam("ListUsers", who).status} == statuses
    assert land.sts("GetScopedCredentials", session, **scoped).status in (400, 403)
    assert code(warehouse.forward(asked_by(land, land.admin), session)) == REFUSED
    listing = land.json_request("organizations", "DescribeOrganization", session)
    assert code(land.send(listing)) in (REFUSED, "AccessDenied")


def test_the_facts_of_a_session_go_along(land: Local, warehouse: Store) -> None:
    """Session policy, tags, issue time and source identity of the caller go along."""
    own = land.founded.account_id
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    trusting = {"Effect": "Allow", "Principal": {"AWS": own}, "Action": actions}
    land.iam("CreateRole", RoleName="tagged", AssumeRolePolicyDocument=document(trusting))
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue", "aws:SourceIdentity": "jo"},
                 "DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"},
                 "Bool": {"aws:MultiFactorAuthPresent": "false"}}  # fmt: skip
    text = document({**ALL, "Condition": condition})
    land.iam("PutRolePolicy", RoleName="tagged", PolicyName="p", PolicyDocument=text)
    arn, wide = key(land), key(land)
    passed = document({"Effect": "Allow", "Action": "kms:*", "Resource": arn})
    tag = {"Tags.member.1.Key": "team", "Tags.member.1.Value": "blue", "SourceIdentity": "jo"}
    given = land.sts(
        "AssumeRole", RoleArn=f"arn:aws:iam::{own}:role/tagged", RoleSessionName="me",
        Policy=passed, **tag,
    )  # fmt: skip
    body = given.body.decode()
    assert given.status == 200, body
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    caller = Credentials(*(body.partition(f"<{name}>")[2].partition("<")[0] for name in names))
    session = warehouse.for_caller(caller)

    assert land.kms("Encrypt", session, KeyId=arn, Plaintext=HELLO).status == 200
    assert code(land.kms("Encrypt", session, KeyId=wide, Plaintext=HELLO)) == REFUSED


def test_it_ends_after_fifteen_minutes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It lives for 900 seconds, and no longer than the caller's own session."""
    local = open_local(tmp_path_factory.mktemp("ends") / "data")
    service, arn = store(local), key(local)
    try:
        session = service.for_caller(local.admin)
        local.time.passes(timedelta(seconds=899))
        assert local.kms("DescribeKey", session, KeyId=arn).status == 200
        local.time.passes(timedelta(seconds=1))
        assert code(local.kms("DescribeKey", session, KeyId=arn)) == "ExpiredTokenException"
    finally:
        local.installation.close()


def end_key(land: Local, name: str, caller: Credentials) -> None:
    land.iam("UpdateAccessKey", UserName=name, AccessKeyId=caller.access_key, Status="Inactive")


def end_user(land: Local, name: str, caller: Credentials) -> None:
    land.iam("DeleteAccessKey", UserName=name, AccessKeyId=caller.access_key)
    land.iam("DeleteUserPolicy", UserName=name, PolicyName="p")
    assert land.iam("DeleteUser", UserName=name).status == 200


def end_by_rotation(land: Local, name: str, caller: Credentials) -> None:
    ceremony(land, "service rotate", name=f"{name}.example.internal")


def end_by_deregistration(land: Local, name: str, caller: Credentials) -> None:
    ceremony(land, "service deregister", name=f"{name}.example.internal")


@pytest.mark.parametrize("end", [end_key, end_user, end_by_rotation, end_by_deregistration])
def test_revoked_means_revoked(land: Local, end: Any) -> None:
    """What ends the caller's key, the caller or the service ends the session on its return."""
    name = end.__name__.replace("_", "-")
    service = store(land, f"{name}.example.internal", hosts=[f"{name}:1"])
    caller = user(land, name, ALL)
    session = service.for_caller(caller, scope=name, host=f"{name}:1")
    arn = key(land)
    assert land.kms("DescribeKey", session, KeyId=arn).status == 200

    end(land, name, caller)

    assert code(land.kms("DescribeKey", session, KeyId=arn)) == GONE


def test_the_record_names_both(land: Local, warehouse: Store) -> None:
    """The caller's record says by which service; the handing in is the service's own record."""
    session = warehouse.for_caller(land.admin)
    arn = key(land)
    land.kms("Encrypt", session, KeyId=arn, Plaintext=HELLO)
    record = land.installation.trail._recorder.record(land.events[-1], 1)  # as written
    identity = json.loads(bytes(record.user_identity))

    assert identity["type"] == "IAMUser"
    assert identity["invokedBy"] == NAME
    assert (record.source_ip_address, record.user_agent) == (NAME, NAME)
    handed = [event for event in land.events if event.name == "ForwardAccess"][-1]
    assert handed.additional["caller"].endswith(":user/admin")
    assert not handed.request_parameters or "Authorization" not in str(handed.request_parameters)


SECRET, SIGV4 = "a-secret-of-the-caller", "AWS4-HMAC-SHA256"


@pytest.mark.parametrize(
    ("header", "value", "told"),
    [
        ("X-Long", f"{SECRET}{'z' * 16384}", False),
        ("Authorization", f"{SIGV4} Credential=a/b {SECRET}", True),
        ("Authorization", f"{SIGV4} Credential={SECRET}, SignedHeaders=a, Signature=b", True),
        ("Authorization", f"{SECRET} a", True),
    ],
)  # fmt: skip
def test_no_record_has_a_callers_headers(
    land: Local, warehouse: Store, header: str, value: str, told: bool
) -> None:
    """A header may be a secret: of a refusal the service may hear it, who has it; no record does.

    The record says what was wrong, and has the Host that a request was for.
    """
    good = asked_by(land, land.admin)
    answer = warehouse.forward({**good, "Headers": {**good["Headers"], header: value}})
    recorded = land.events[-1]

    assert answer.status == 400
    assert (SECRET in answer.body.decode()) is told
    assert (recorded.name, recorded.error_code) == ("ForwardAccess", code(answer))
    assert SECRET not in f"{recorded.error_message}{recorded.request_parameters}"
    assert "failed to satisfy" in recorded.error_message or code(answer) == NOT_TAKEN

    assert code(warehouse.forward(asked_by(land, land.admin, host="depot:1"))) == NOT_TAKEN
    assert "`depot:1`" in land.events[-1].error_message


def pass_role(land: Local, session: Credentials, arn: str, about: str = "") -> Answered:
    members = {"RoleArn": arn, **({"AssociatedResourceArn": about} if about else {})}
    request = land.request(
        "keystead", json.dumps(members).encode(), session,
        Content_Type="application/x-amz-json-1.1", X_Amz_Target="KeysteadServices.PassRole",
    )  # fmt: skip
    return land.send(request)


def test_a_role_is_handed_over(land: Local, warehouse: Store) -> None:
    """iam:PassRole guards the hand-over, for this service, this role and this resource."""
    trusting = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": NAME}}
    for name in ("job", "job-2"):
        land.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=document(trusting))
    arn = f"arn:aws:iam::{land.founded.account_id}:role/job"
    shelf = "arn:aws:warehouse:::shelf/1"

    def passing(name: str, service: str) -> Credentials:
        condition = {"StringEquals": {"iam:PassedToService": service},
                     "ArnEquals": {"iam:AssociatedResourceArn": shelf}}  # fmt: skip
        own = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn}
        return user(land, name, {**own, "Condition": condition})

    session = warehouse.for_caller(passing("passer", NAME))
    elsewhere = warehouse.for_caller(passing("passer-2", "depot.example.internal"))

    assert pass_role(land, session, arn, shelf).status == 200
    for refused in (
        pass_role(land, session, arn),
        pass_role(land, session, f"{arn}-2", shelf),
        pass_role(land, elsewhere, arn, shelf),
        pass_role(land, land.admin, arn, shelf),
    ):
        assert code(refused) == REFUSED


# keys of the service


def test_an_account_has_a_key_of_the_service(land: Local, warehouse: Store) -> None:
    """The first forwarded request makes `alias/aws/warehouse`, for use through the service."""
    caller = user(land, "shopper", ALL)
    session = warehouse.for_caller(caller)
    name = {"KeyId": "alias/aws/warehouse"}
    told = land.kms("DescribeKey", **name).json["KeyMetadata"]
    assert (told["KeyManager"], told["KeyState"]) == ("AWS", "Enabled")

    made = land.kms("GenerateDataKey", session, **name, KeySpec="AES_256")
    assert made.status == 200
    blob = {"CiphertextBlob": made.json["CiphertextBlob"]}
    assert land.kms("Decrypt", session, **blob).status == 200
    for who in (land.admin, caller, warehouse.credentials):
        assert code(land.kms("Decrypt", who, **blob)) == REFUSED
    again = warehouse.for_caller(caller)
    assert land.kms("DescribeKey", again, **name).json["KeyMetadata"]["KeyId"] == told["KeyId"]


def test_it_counts_against_no_quota(land: Local, warehouse: Store) -> None:
    """The account may have as many keys of its own as before."""
    place = (land.founded.account_id, REGION)

    def counted() -> int:
        found = land.installation.keys.counted(land.installation.store.read(), *place)
        return 0 if found is None else found.keys

    silo = store(land, "silo.example.internal", hosts=["silo:1"])
    before = counted()
    silo.for_caller(user(land, "counted", ALL), scope="silo", host="silo:1")
    assert land.kms("DescribeKey", KeyId="alias/aws/silo").status == 200
    key(land)
    assert counted() == before + 1
    listed = land.kms("ListKeys").json["Keys"]
    assert len(listed) > counted()


def test_nobody_changes_it(land: Local, warehouse: Store) -> None:
    """The account sees the key and cannot change, delete or share it."""
    warehouse.for_caller(land.admin)
    arn = land.kms("DescribeKey", KeyId="alias/aws/warehouse").json["KeyMetadata"]["Arn"]
    account = land.founded.account_id
    root = f"arn:aws:iam::{account}:root"

    for operation in ("GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListResourceTags"):
        assert land.kms(operation, KeyId=arn).status == 200, operation
    refused: dict[str, dict[str, Any]] = {
        "PutKeyPolicy": {"Policy": document(ALL | {"Principal": "*"})},
        "DisableKey": {},
        "ScheduleKeyDeletion": {},
        "DisableKeyRotation": {},
        "UpdateKeyDescription": {"Description": "x"},
        "TagResource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
        "CreateGrant": {"GranteePrincipal": root, "Operations": ["Decrypt"]},
        "Encrypt": {"Plaintext": HELLO},
    }
    for operation, members in refused.items():
        assert code(land.kms(operation, KeyId=arn, **members)) == REFUSED, operation
    assert land.kms("GetKeyRotationStatus", KeyId=arn).json["KeyRotationEnabled"] is True
    with pytest.raises(Exception, match="key of a service"):
        ceremony(land, "key schedule-deletion", arn=arn, days=7, force=True)


def test_a_key_that_names_another_service(land: Local, warehouse: Store, other: Store) -> None:
    """A key for use through one service is not used through another one."""
    through = {"StringEquals": {"kms:ViaService": f"warehouse.{REGION}.example.internal",
                                "kms:CallerAccount": land.founded.account_id}}  # fmt: skip
    everybody = {**allow(NAME, ["kms:Encrypt"], **through), "Principal": {"AWS": "*"}}
    arn = key(land, everybody)
    caller = user(land, "through")  # without permissions of its own
    ask = {"KeyId": arn, "Plaintext": HELLO}

    assert land.kms("Encrypt", warehouse.for_caller(caller), **ask).status == 200
    by_other = other.for_caller(caller, scope="depot", host="depot:1")
    assert code(land.kms("Encrypt", by_other, **ask)) == REFUSED
    assert code(land.kms("Encrypt", caller, **ask)) == REFUSED
