"""Central root access: AssumeRoot, and everything that ends its sessions (iam.md 1.10, 2.8)."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.credentials import Credentials

from keystead.custody.proofs.one_time_codes import codes_of, step_at
from keystead.failures import Failure
from keystead.policy.evaluation import PolicyKind
from keystead.server.installation import ceremonies
from tests.server.installations import Answered, Local, open_local
from tests.server.test_sessions import ALL, INVALID, code, credentials, element, policy, written

IAM = {"ServicePrincipal": "iam.amazonaws.com"}
FEATURES = ("EnableOrganizationsRootCredentialsManagement", "EnableOrganizationsRootSessions")
AUDIT, DELETE, UNLOCK, RECOVER = (
    f"arn:aws:iam::aws:policy/root-task/{name}"
    for name in (
        "IAMAuditRootUserCredentials", "IAMDeleteRootUserCredentials", "S3UnlockBucketPolicy",
        "IAMCreateRootUserPassword",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estate:
    """An organization whose management account is the founded one, with central root access."""

    local: Local
    root: str
    keys: dict[str, Credentials] = field(default_factory=dict)

    def organizations(
        self, operation: str, who: Credentials | None = None, **members: Any
    ) -> Answered:
        request = self.local.json_request("organizations", operation, who, **members)
        return self.local.send(request)

    def done(self, operation: str, **members: Any) -> Any:
        answer = self.organizations(operation, **members)
        assert answer.status == 200, answer.body
        return answer.json if answer.body else {}

    def member(self) -> str:
        """A new account; its number."""
        made = self.done("CreateAccount", Email=f"{uuid4()}@example.com", AccountName="m")
        return str(made["CreateAccountStatus"]["AccountId"])

    def root_key(self, number: str) -> Credentials:
        """A long-term key of an account's root user."""
        if number in self.keys:
            return self.keys[number]
        given = {"account_id": number}
        made = ceremonies.perform(self.local.installation, "account root-access-key", given)
        self.keys[number] = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
        return self.keys[number]

    def user(self, number: str, *statements: dict[str, Any]) -> Credentials:
        """A key of a new user of an account, with these permissions."""
        root = self.root_key(number) if number != self.local.founded.account_id else None
        name = f"user-{uuid4()}"
        self.local.iam("CreateUser", root, UserName=name)
        self.local.iam(
            "PutUserPolicy", root, UserName=name, PolicyName="p", PolicyDocument=policy(*statements)
        )
        made = self.local.iam("CreateAccessKey", root, UserName=name)
        return Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))

    def assume(
        self, number: str, who: Credentials | None = None, task: str = AUDIT, **members: str
    ) -> Answered:
        given = {"TargetPrincipal": number, "TaskPolicyArn.arn": task, **members}
        return self.local.sts("AssumeRoot", who, **given)

    def session(self, number: str, task: str = AUDIT) -> Credentials:
        return credentials(self.assume(number, task=task))

    def works(self, session: Credentials) -> bool:
        """May the session list the access keys of its root user?"""
        answer = self.local.iam("ListAccessKeys", session)
        if answer.status != 200:
            assert INVALID in answer.body.decode() or code(answer) == "AccessDenied"
        return answer.status == 200


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("root") / "data")
    yield local
    local.installation.close()


@pytest.fixture(scope="module")
def estate(local: Local) -> Estate:
    local.organizations("CreateOrganization")
    [root] = local.organizations("ListRoots").json["Roots"]
    return Estate(local, root["Id"])


@pytest.fixture(autouse=True)
def enabled(estate: Estate) -> None:
    """Trusted access of IAM and both features are enabled before each test."""
    estate.done("EnableAWSServiceAccess", **IAM)
    for feature in FEATURES:
        assert estate.local.iam(feature).status == 200


@pytest.fixture(scope="module")
def member(estate: Estate) -> str:
    return estate.member()


def test_a_session_is_root_of_the_member(estate: Estate, member: str) -> None:
    """It is the root user, for fifteen minutes; the records tell that it was assumed."""
    local = estate.local
    local.events.clear()
    given = estate.assume(member)
    session = credentials(given)
    who = local.sts("GetCallerIdentity", session)
    assert element(who, "Arn") == f"arn:aws:iam::{member}:root"
    assert element(who, "UserId") == element(who, "Account") == member
    assert estate.works(session)
    begun, _, used = map(written, local.events)
    assert begun["requestParameters"] == {
        "targetPrincipal": member, "taskPolicyArn": {"arn": AUDIT},
    }  # fmt: skip
    assert begun["resources"][0] == {
        "accountId": member, "type": "AWS::IAM::User", "ARN": f"arn:aws:iam::{member}:root",
    }  # fmt: skip
    assert begun["keystead"]["severity"] == used["keystead"]["severity"] == "high"
    shown = begun["responseElements"]["credentials"]
    assert shown["accessKeyId"] == session.access_key
    assert session.secret_key not in str(begun)
    identity = used["userIdentity"]
    assert (identity["type"], identity["arn"]) == ("Root", f"arn:aws:iam::{member}:root")
    assert identity["accessKeyId"] == session.access_key
    context = identity["sessionContext"]
    assert context["assumedRoot"] == "true"
    assert context["attributes"]["mfaAuthenticated"] == "false"


def test_fifteen_minutes_at_most(estate: Estate, member: str) -> None:
    """900 seconds unless less is asked for; then the session is over."""
    refused = estate.assume(member, DurationSeconds="901")
    assert code(refused) == "ValidationError"
    short, long = (
        credentials(estate.assume(member, DurationSeconds=text)) for text in ("60", "900")
    )
    time = estate.local.time
    time.passes(timedelta(seconds=61))
    assert code(estate.local.iam("ListAccessKeys", short)) == "ExpiredToken"
    assert estate.works(long)
    time.passes(timedelta(seconds=840))
    assert code(estate.local.iam("ListAccessKeys", long)) == "ExpiredToken"


def test_a_task_and_nothing_else(estate: Estate, member: str) -> None:
    """What the task policy does not name is refused, also where a resource's policy names root."""
    local, key = estate.local, estate.root_key(member)
    auditing, deleting = estate.session(member), estate.session(member, DELETE)
    made = local.kms("CreateKey", key).json["KeyMetadata"]["KeyId"]
    for refused in (
        local.iam("ListUsers", auditing),
        local.iam("CreateUser", auditing, UserName="x"),
        local.iam("CreateAccessKey", auditing),
        local.iam("DeleteAccessKey", auditing, AccessKeyId=key.access_key),
        local.iam("GetUser", auditing, UserName="jo"),
        local.kms("DescribeKey", auditing, KeyId=made),
        local.kms("ListKeys", auditing),
        estate.organizations("LeaveOrganization", auditing),
        local.sts("GetAccessKeyInfo", auditing, AccessKeyId=key.access_key),
        local.sts("GetSessionToken", auditing),
        local.sts("AssumeRole", auditing, RoleArn=f"arn:aws:iam::{member}:role/x",
                  RoleSessionName="me"),
        estate.assume(member, auditing),
        local.iam("ListAccessKeys", estate.session(member, UNLOCK)),
    ):  # fmt: skip
        assert code(refused) in {"AccessDenied", "AccessDeniedException"}, refused.body
    assert local.kms("DescribeKey", key, KeyId=made).status == 200
    assert key.access_key in local.iam("ListAccessKeys", auditing).body.decode()
    assert local.iam("GetAccountSummary", auditing).status == 200
    assert local.iam("GetUser", auditing).status == 200
    assert local.iam("DeleteAccessKey", deleting, AccessKeyId=key.access_key).status == 200
    assert INVALID in local.iam("ListAccessKeys", key).body.decode()
    del estate.keys[member]


def test_the_credentials_of_a_root_user(estate: Estate) -> None:
    """The management account finds and deletes a password, an MFA device and keys of a member."""
    local = estate.local
    made = ceremonies.perform(local.installation, "account create", {})
    number, key = made["AccountId"], Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    invited = estate.done("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": number})
    accepted = estate.organizations("AcceptHandshake", key, HandshakeId=invited["Handshake"]["Id"])
    assert accepted.status == 200, accepted.body
    serial = root_device(local, key)
    auditing, deleting, recovering = (
        estate.session(number, task) for task in (AUDIT, DELETE, RECOVER)
    )
    profile = local.iam("GetLoginProfile", auditing)
    assert "<CreateDate>" in profile.body.decode()
    assert code(local.iam("CreateLoginProfile", recovering)) == "EntityAlreadyExists"
    assert serial in local.iam("ListMFADevices", auditing).body.decode()
    assert "<key>AccountPasswordPresent</key><value>1</value>" in summary(local, auditing)
    for call in (
        ("DeleteLoginProfile", {}),
        ("DeactivateMFADevice", {"SerialNumber": serial, "UserName": number}),
        ("DeleteAccessKey", {"AccessKeyId": key.access_key}),
    ):
        for session, is_allowed in ((auditing, False), (recovering, False), (deleting, True)):
            answer = local.iam(call[0], session, **call[1])
            assert (answer.status == 200) is is_allowed, answer.body
    for name in ("AccountPasswordPresent", "AccountAccessKeysPresent", "AccountMFAEnabled"):
        assert f"<key>{name}</key><value>0</value>" in summary(local, auditing)
    assert code(local.iam("GetLoginProfile", auditing)) == "NoSuchEntity"
    assert code(local.iam("DeleteLoginProfile", deleting)) == "NoSuchEntity"
    none = local.iam("CreateLoginProfile", recovering)
    assert (code(none), "sends no e-mail" in none.body.decode()) == ("AccessDenied", True)


def summary(local: Local, session: Credentials) -> str:
    """GetAccountSummary without blanks."""
    return "".join(local.iam("GetAccountSummary", session).body.decode().split())


def root_device(local: Local, key: Credentials) -> str:
    """An MFA device that a root user enables for itself; its serial number."""
    made = local.iam("CreateVirtualMFADevice", key, VirtualMFADeviceName="root")
    serial = element(made, "SerialNumber")
    seed = base64.b32decode(base64.b64decode(element(made, "Base32StringSeed")))
    now = step_at(local.time.wall())
    first, second = (each.decode() for each in codes_of(seed, [now - 1, now]))
    enabled = local.iam(
        "EnableMFADevice", key, UserName=key_account(serial), SerialNumber=serial,
        AuthenticationCode1=first, AuthenticationCode2=second,
    )  # fmt: skip
    assert enabled.status == 200, enabled.body
    return serial


def key_account(serial: str) -> str:
    """The account in the serial number of a device."""
    return serial.split(":")[4]


def test_who_may_assume_root(estate: Estate, member: str) -> None:
    """Users and roles of the management account, as their policies say; root and members not."""
    local, management = estate.local, estate.local.founded.account_id
    action = {"Effect": "Allow", "Action": "sts:AssumeRoot"}
    here = f"arn:aws:iam::{member}:root"
    for allowed in (
        {**action, "Resource": here},
        {**action, "Resource": "*", "Condition": {"StringEquals": {"sts:TaskPolicyArn": AUDIT}}},
    ):
        assert estate.assume(member, estate.user(management, allowed)).status == 200
    for refused in (
        estate.user(management),
        estate.user(management, {**action, "Resource": f"arn:aws:iam::{management}:root"}),
        estate.user(
            management,
            {**action, "Resource": "*", "Condition": {"ArnEquals": {"sts:TaskPolicyArn": DELETE}}},
        ),
        estate.root_key(management),
        estate.root_key(member),
        estate.user(member, ALL),
    ):
        assert code(estate.assume(member, refused)) == "AccessDenied"
    lone = credentials(local.sts("GetSessionToken"))
    assert code(estate.assume(member, lone)) == "AccessDenied"


def test_the_operator_is_told(estate: Estate, member: str) -> None:
    """`explain` says what the call would: for an administrator of root access, and for others."""
    local, management = estate.local, estate.local.founded.account_id
    estate.user(member, ALL)
    body = local.iam("ListUsers", estate.root_key(member)).body.decode()
    user = re.findall("<UserName>(user-.*?)</UserName>", body)[-1]

    def outcome(principal: str, resource: str, action: str = "sts:AssumeRoot") -> str:
        asked = {"principal": principal, "action": action, "resource": resource}
        told = ceremonies.perform(local.installation, "explain", asked)
        return str(told["decision"])

    admin, inside = f"arn:aws:iam::{management}:user/admin", f"arn:aws:iam::{member}:user/{user}"
    root, own = f"arn:aws:iam::{member}:root", f"arn:aws:iam::{management}:root"
    assert outcome(admin, root) == "Allowed"
    assert outcome(inside, root) != "Allowed"
    assert code(estate.assume(member, estate.user(member, ALL))) == "AccessDenied"
    past = {"id": estate.local.events[-1].request_id}
    told = ceremonies.perform(local.installation, "explain refusal", past)
    assert "sts:AssumeRoot" in str(told)
    assert outcome(admin, own) != "Allowed"
    for feature in FEATURES:
        local.iam(feature.replace("Enable", "Disable"))
    assert outcome(admin, root) != "Allowed"

    [tree] = local.organizations("ListRoots").json["Roots"]
    list_accounts = "organizations:ListChildren"
    assert outcome(admin, tree["Arn"], list_accounts) == "Allowed"
    assert outcome(inside, tree["Arn"], list_accounts) != "Allowed"
    allow = {**ALL, "Action": list_accounts, "Principal": {"AWS": member}}
    estate.done("PutResourcePolicy", Content=policy(allow))
    assert outcome(inside, tree["Arn"], list_accounts) == "Allowed"
    assert outcome(inside, tree["Arn"], "organizations:ListParents") != "Allowed"
    estate.done("DeleteResourcePolicy")


def test_which_accounts_it_reaches(estate: Estate, member: str) -> None:
    """Members only: not the management account, no stranger, and nobody learns which exist."""
    local = estate.local
    made = ceremonies.perform(local.installation, "account create", {})
    sentences = {
        estate.assume(number).body.decode().partition("resource: ")[2].partition(" because")[2]
        .partition("</Message>")[0]
        for number in (local.founded.account_id, made["AccountId"], "999999999999")
    }  # fmt: skip
    assert len(sentences) == 1
    assert sentences.pop()
    assert estate.assume(f"arn:aws:iam::{member}:root").status == 200
    for text in (f"arn:aws:iam::{member}:user/x", f"arn:aws-cn:iam::{member}:root", "x" * 12):
        assert code(estate.assume(text)) == "ValidationError"


@pytest.mark.parametrize(
    "task",
    [
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/IAMAuditRootUserCredentials",
        "arn:aws:iam::aws:policy/root-task/AdministratorAccess",
        "arn:aws:iam::111122223333:policy/root-task/IAMAuditRootUserCredentials",
    ],
)
def test_the_tasks_are_fixed(estate: Estate, member: str, task: str) -> None:
    """No other policy is a task, and a task policy is attached to nobody."""
    assert code(estate.assume(member, task=task)) == "ValidationError"
    attached = estate.local.iam("AttachUserPolicy", UserName="admin", PolicyArn=AUDIT)
    assert code(attached) in {"PolicyNotAttachable", "NoSuchEntity"}


def test_a_delegated_administrator(estate: Estate, member: str) -> None:
    """An account that administers IAM may, for as long as it does, and its own SCPs bind it."""
    number = estate.member()
    user = estate.user(number, ALL)
    assert code(estate.assume(member, user)) == "AccessDenied"
    assert code(estate.local.iam("ListOrganizationsFeatures", user)) == (
        "AccountNotManagementOrDelegatedAdministratorException"
    )
    registered = {"AccountId": number, **IAM}
    estate.done("EnableAWSServiceAccess", ServicePrincipal="sso.amazonaws.com")
    estate.done(
        "RegisterDelegatedAdministrator", AccountId=number, ServicePrincipal="sso.amazonaws.com"
    )
    assert code(estate.assume(member, user)) == "AccessDenied"
    estate.done("RegisterDelegatedAdministrator", **registered)
    session = credentials(estate.assume(member, user))
    assert estate.works(session)
    features = estate.local.iam("ListOrganizationsFeatures", user)
    assert features.body.decode().count("<member>Root") == 2
    assert code(estate.assume(estate.local.founded.account_id, user)) == "AccessDenied"
    estate.done("DeregisterDelegatedAdministrator", **registered)
    assert not estate.works(session)
    assert code(estate.assume(member, user)) == "AccessDenied"
    estate.done("RegisterDelegatedAdministrator", **registered)
    assert estate.works(session)


def no_feature(estate: Estate, _: str) -> Callable[[], Any]:
    estate.local.iam("DisableOrganizationsRootCredentialsManagement")
    return lambda: estate.local.iam("EnableOrganizationsRootCredentialsManagement")


def no_trusted_access(estate: Estate, _: str) -> Callable[[], Any]:
    estate.done("DisableAWSServiceAccess", **IAM)

    def back() -> None:
        estate.done("EnableAWSServiceAccess", **IAM)
        for feature in FEATURES:
            estate.local.iam(feature)

    return back


def left(estate: Estate, number: str) -> Callable[[], Any]:
    estate.done("RemoveAccountFromOrganization", AccountId=number)
    return lambda: None


def closed(estate: Estate, number: str) -> Callable[[], Any]:
    estate.done("CloseAccount", AccountId=number)
    return lambda: None


def suspended(estate: Estate, number: str) -> Callable[[], Any]:
    perform, given = ceremonies.perform, {"account_id": number}
    assert code(estate.assume(number)) == ""
    perform(estate.local.installation, "account suspend", given)
    for verb, account, said in (
        ("suspend", number, "is suspended already"),
        ("reopen", "000000000000", "there is no account"),
    ):
        with pytest.raises(Failure, match=said):
            perform(estate.local.installation, f"account {verb}", {"account_id": account})
    return lambda: perform(estate.local.installation, "account reopen", given)


def denied(estate: Estate, number: str) -> Callable[[], Any]:
    """An SCP against assumed root users alone."""
    estate.organizations(
        "EnablePolicyType", RootId=estate.root, PolicyType="SERVICE_CONTROL_POLICY"
    )
    deny = {**ALL, "Effect": "Deny", "Condition": {"Bool": {"aws:AssumedRoot": "true"}}}
    made = estate.done("CreatePolicy", Name=str(uuid4()), Description="",
                       Type="SERVICE_CONTROL_POLICY", Content=policy(deny))  # fmt: skip
    attached = {"PolicyId": made["Policy"]["PolicySummary"]["Id"], "TargetId": number}
    estate.done("AttachPolicy", **attached)
    assert estate.local.iam("ListUsers", estate.root_key(number)).status == 200
    return lambda: estate.done("DetachPolicy", **attached)


@pytest.mark.parametrize(
    ("ending", "lives_on"),
    [(no_feature, False), (no_trusted_access, False), (left, False), (closed, False),
     (suspended, False), (denied, True)],
)  # fmt: skip
def test_the_next_request_is_refused(
    estate: Estate, ending: Callable[[Estate, str], Callable[[], Any]], lives_on: bool
) -> None:
    """Whatever takes the access away ends the sessions at once; being enabled again revives none.

    A session of the other feature, or of another account, goes on where it is not concerned.
    """
    number, other = estate.member(), estate.member()
    session, untouched = estate.session(number), estate.session(other, UNLOCK)
    assert estate.works(session)
    back = ending(estate, number)
    assert not estate.works(session)
    unconcerned = estate.local.sts("GetCallerIdentity", untouched).status == 200
    assert unconcerned is (ending is not no_trusted_access)
    if ending is not denied:
        assert code(estate.assume(number)) == "AccessDenied"
    back()
    assert estate.works(session) is lives_on
    if ending in (no_feature, no_trusted_access):
        assert estate.assume(number).status == 200


def test_resource_control_policies_of_the_member(estate: Estate) -> None:
    """The root user is a resource of the member: its RCPs decide who assumes it."""
    number = estate.member()
    estate.organizations(
        "EnablePolicyType", RootId=estate.root, PolicyType="RESOURCE_CONTROL_POLICY"
    )
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoot", "Resource": "*"}
    made = estate.done("CreatePolicy", Name=str(uuid4()), Description="",
                       Type="RESOURCE_CONTROL_POLICY", Content=policy(deny))  # fmt: skip
    assert estate.assume(number).status == 200
    identifier = made["Policy"]["PolicySummary"]["Id"]
    estate.done("AttachPolicy", PolicyId=identifier, TargetId=number)
    assert code(estate.assume(number)) == "AccessDenied"
    [decision] = estate.local.events[-1].decisions
    assert decision.kind is PolicyKind.RESOURCE_CONTROL


def test_features(estate: Estate) -> None:
    """They are enabled and disabled one by one, as often as one likes, and listed."""
    local = estate.local

    def listed(action: str) -> list[bool]:
        body = local.iam(action).body.decode()
        assert "<OrganizationId>o-" in body
        return [f"<member>{name}</member>" in body
                for name in ("RootCredentialsManagement", "RootSessions")]  # fmt: skip

    assert listed("ListOrganizationsFeatures") == [True, True]
    for _ in range(2):
        assert listed("DisableOrganizationsRootSessions") == [True, False]
    assert listed("DisableOrganizationsRootCredentialsManagement") == [False, False]
    for _ in range(2):
        assert listed("EnableOrganizationsRootSessions") == [False, True]
    estate.done("DisableAWSServiceAccess", **IAM)
    for action in ("ListOrganizationsFeatures", *FEATURES):
        assert code(local.iam(action)) == "ServiceAccessNotEnabledException"
    estate.done("EnableAWSServiceAccess", **IAM)
    assert listed("ListOrganizationsFeatures") == [False, False]


def test_features_need_an_organization_with_all_of_its_own(tmp_path: Path) -> None:
    """Without an organization, and with consolidated billing alone, there is no root access."""
    local = open_local(tmp_path / "data")
    assert code(local.iam(FEATURES[0])) == "OrganizationNotFoundException"
    local.organizations("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
    assert code(local.iam(FEATURES[0])) == "OrganizationNotInAllFeaturesModeException"
    local.installation.close()
