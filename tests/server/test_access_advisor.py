"""The access advisor: who used which service and action, and which policies allow it."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.credentials import Credentials

from keystead.identity.repository.reports.accesses import MOST_JOBS
from tests.server.installations import Answered, Local, open_local

TRUST = json.dumps({"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}})  # fmt: skip


def document(*actions: str, element: str = "Action", effect: str = "Allow") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, element: list(actions), "Resource": "*"}]})  # fmt: skip


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    made = open_local(tmp_path_factory.mktemp("advisor") / "data")
    yield made
    made.installation.close()


def text(answer: Answered) -> str:
    assert answer.status == 200, answer.body
    return answer.body.decode()


def code(answer: Answered) -> str:
    found = re.search(r"<Code>(\w+)</Code>", answer.body.decode())
    return found[1] if found else ""


def arn(local: Local, name: str) -> str:
    return f"arn:aws:iam::{local.founded.account_id}:{name}"


def user(local: Local, name: str, *actions: str) -> Credentials:
    """A user with an inline policy, and its access key."""
    local.iam("CreateUser", UserName=name)
    local.iam(
        "PutUserPolicy", UserName=name, PolicyName="inline", PolicyDocument=document(*actions)
    )
    made = text(local.iam("CreateAccessKey", UserName=name))
    found = [re.search(rf"<{each}>([^<]+)<", made) for each in ("AccessKeyId", "SecretAccessKey")]
    return Credentials(*(each[1] for each in found if each))


def report(local: Local, subject: str, level: str = "SERVICE_LEVEL") -> tuple[str, str]:
    """The id of a new report, and its text."""
    local.installation.upkeep.write_accesses(1000)
    answer = text(local.iam("GenerateServiceLastAccessedDetails", Arn=subject, Granularity=level))
    found = re.search(r"<JobId>([0-9a-f-]{36})</JobId>", answer)
    assert found
    return found[1], text(local.iam("GetServiceLastAccessedDetails", JobId=found[1]))


def services(answer: str) -> dict[str, tuple[str, str]]:
    """Of each service in a report: who used it last, and how many did."""
    found = {}
    for part in answer.split("<ServiceName>")[1:]:
        namespace = re.search(r"<ServiceNamespace>([^<]+)<", part)
        last = re.search(r"<LastAuthenticatedEntity>([^<]+)<", part)
        total = re.search(r"<TotalAuthenticatedEntities>([^<]+)<", part)
        assert namespace
        assert total
        found[namespace[1]] = (last[1] if last else "", total[1])
    return found


def test_of_a_user(local: Local) -> None:
    """Each service that its policies allow, used or not; a refused attempt is a use, too."""
    jo = user(local, "jo", "kms:*", "iam:Get*")
    local.kms("ListKeys", jo)
    assert local.kms("CreateKey", jo).status == 200
    assert local.iam("ListUsers", jo).status == 403
    job, answer = report(local, arn(local, "user/jo"))
    mine = arn(local, "user/jo")
    assert "<JobStatus>COMPLETED</JobStatus><JobType>SERVICE_LEVEL</JobType>" in answer
    assert services(answer) == {"iam": (mine, "1"), "kms": (mine, "1")}
    assert "<LastAuthenticatedRegion>us-east-1</LastAuthenticatedRegion>" in answer
    assert "TrackedActions" not in answer

    _, detailed = report(local, mine, "ACTION_LEVEL")
    used = re.findall(r"<ActionName>(\w+)</ActionName><LastAccessedEntity>[^<]+:user/jo<", detailed)
    assert sorted(used) == ["CreateKey", "ListKeys"]  # ListUsers is no action that it may use
    assert "<ActionName>Encrypt</ActionName></member>" in detailed
    assert "<ActionName>ListUsers<" not in detailed
    assert report(local, mine)[0] != job


def test_of_a_group_and_a_policy(local: Local) -> None:
    """The members of a group, and whoever has a policy: each is counted once."""
    ann, bob = user(local, "ann", "kms:*"), user(local, "bob", "kms:*")
    user(local, "cid", "kms:*")
    local.iam("CreateGroup", GroupName="devs")
    for name in ("ann", "bob", "cid"):
        local.iam("AddUserToGroup", GroupName="devs", UserName=name)
    made = text(
        local.iam("CreatePolicy", PolicyName="keys", PolicyDocument=document("kms:*", "sts:*"))
    )
    assert "<Arn>" in made
    policy = arn(local, "policy/keys")
    local.iam("AttachGroupPolicy", GroupName="devs", PolicyArn=policy)
    local.iam("AttachUserPolicy", UserName="ann", PolicyArn=policy)
    local.kms("ListKeys", ann)
    local.time.passes(timedelta(minutes=20))
    local.kms("ListKeys", bob)
    last = arn(local, "user/bob")
    for subject in (arn(local, "group/devs"), policy):
        job, answer = report(local, subject)
        assert services(answer) == {"kms": (last, "2"), "sts": ("", "0")}
        first = local.iam(
            "GetServiceLastAccessedDetailsWithEntities", JobId=job, ServiceNamespace="kms",
            MaxItems="2",
        )  # fmt: skip
        assert re.findall(r"<Name>(\w+)</Name>", text(first)) == ["bob", "ann"]
        marker = re.search(r"<Marker>([^<]+)<", text(first))
        assert marker
        rest = local.iam(
            "GetServiceLastAccessedDetailsWithEntities", JobId=job, ServiceNamespace="kms",
            MaxItems="2", Marker=marker[1],
        )  # fmt: skip
        assert re.findall(r"<Name>(\w+)</Name>", text(rest)) == ["cid"]
        assert "LastAuthenticated" not in text(rest)
        assert "<Type>USER</Type>" in text(rest)
        unknown = local.iam(
            "GetServiceLastAccessedDetailsWithEntities", JobId=job, ServiceNamespace="s3"
        )
        assert code(unknown) == "NoSuchEntity"


def test_of_a_role(local: Local) -> None:
    """A session's calls are uses of its role."""
    local.iam("CreateRole", RoleName="ops", AssumeRolePolicyDocument=TRUST)
    local.iam("PutRolePolicy", RoleName="ops", PolicyName="p", PolicyDocument=document("*"))
    answer = text(local.sts("AssumeRole", RoleArn=arn(local, "role/ops"), RoleSessionName="me"))
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    found = [re.search(rf"<{name}>([^<]+)<", answer) for name in names]
    session = Credentials(*(each[1] for each in found if each))
    local.sts("GetCallerIdentity", session)
    _, told = report(local, arn(local, "role/ops"))
    used = services(told)
    assert set(used) == {
        "access-analyzer",
        "cloudtrail",
        "ec2",
        "iam",
        "kms",
        "organizations",
        "rolesanywhere",
        "sts",
    }
    assert used["sts"] == (arn(local, "role/ops"), "1")
    assert used["kms"] == ("", "0")


def test_uses_are_forgotten(local: Local) -> None:
    """What was used before the tracking period is not told, and its row goes."""
    old = user(local, "old", "kms:*")
    local.kms("ListKeys", old)
    assert services(report(local, arn(local, "user/old"))[1])["kms"][1] == "1"
    local.time.passes(timedelta(days=401))
    assert services(report(local, arn(local, "user/old"))[1])["kms"][1] == "0"
    reader = local.installation.store.read()
    account = local.founded.account_id
    entity = local.installation.identities.users.named(reader, account, "old")
    assert entity is not None
    kept = local.installation.identities.accesses.of(reader, account, entity.user_id, "kms")
    assert kept is None


def test_reports_are_bounded_and_ones_own(local: Local) -> None:
    """Old reports go; an unknown one, one of something that is gone, or an odd ARN is refused."""
    local.iam("CreateUser", UserName="jim")
    first, _ = report(local, arn(local, "user/jim"))
    user(local, "gone", "kms:*")
    lost, _ = report(local, arn(local, "user/gone"))
    local.iam("DeleteUserPolicy", UserName="gone", PolicyName="inline")
    listed = text(local.iam("ListAccessKeys", UserName="gone"))
    key = re.search(r"<AccessKeyId>(\w+)<", listed)
    assert key
    local.iam("DeleteAccessKey", UserName="gone", AccessKeyId=key[1])
    assert local.iam("DeleteUser", UserName="gone").status == 200
    assert code(local.iam("GetServiceLastAccessedDetails", JobId=lost)) == "NoSuchEntity"
    assert code(local.iam("GetServiceLastAccessedDetails", JobId="0" * 36)) == "NoSuchEntity"
    for bad in (arn(local, "mfa/x"), "arn:aws:s3:::bucket-name-x"):
        answer = local.iam("GenerateServiceLastAccessedDetails", Arn=bad)
        assert code(answer) == "InvalidInput", bad
    for number in range(MOST_JOBS):
        local.time.passes(timedelta(seconds=1))
        local.iam("GenerateServiceLastAccessedDetails", Arn=arn(local, "user/jim"))
        if not number:
            assert local.iam("GetServiceLastAccessedDetails", JobId=first).status == 200
    assert code(local.iam("GetServiceLastAccessedDetails", JobId=first)) == "NoSuchEntity"
    for _ in range(2 * MOST_JOBS):  # of one second
        newest, _ = report(local, arn(local, "user/jim"))
        assert local.iam("GetServiceLastAccessedDetails", JobId=newest).status == 200


@pytest.mark.parametrize(
    ("policy", "granted"),
    [
        (document("s3:GetObject"), {"s3"}),
        (document("kms:*", "s3:List*"), {"kms", "s3"}),
        (document("*"), {"kms", "s3", "iam"}),
        (document("iam:Get?ser"), {"iam"}),
        (document("iam:Get?ser", "kms:*Key"), {"kms", "iam"}),
        (document("S3:*"), {"s3"}),
        (document("s3:*", element="NotAction"), {"kms", "iam"}),
        (document("s3:Get*", element="NotAction"), {"kms", "s3", "iam"}),
        (document("*", effect="Deny"), set()),
    ],
)
def test_policies_that_grant(local: Local, policy: str, granted: set[str]) -> None:
    """Which services a policy allows something of: by what its Allow statements say."""
    local.iam("CreateUser", UserName="granted")
    put = {"UserName": "granted", "PolicyName": "p", "PolicyDocument": policy}
    assert local.iam("PutUserPolicy", **put).status == 200
    asked = {
        f"ServiceNamespaces.member.{n}": each for n, each in enumerate(("kms", "s3", "iam"), 1)
    }
    answer = text(
        local.iam("ListPoliciesGrantingServiceAccess", Arn=arn(local, "user/granted"), **asked)
    )
    found = {
        namespace
        for namespace, policies in re.findall(
            r"<ServiceNamespace>(\w+)</ServiceNamespace><Policies>(.*?)</Policies>", answer
        )
        if "<PolicyName>p</PolicyName><PolicyType>INLINE</PolicyType>" in policies
    }
    assert found == granted


def test_managed_policies_are_named_by_arn(local: Local) -> None:
    """A managed policy has its ARN; an inline policy of a group has the group's name."""
    local.iam("CreateUser", UserName="eve")
    local.iam("CreateGroup", GroupName="auditors")
    local.iam("AddUserToGroup", GroupName="auditors", UserName="eve")
    local.iam(
        "PutGroupPolicy", GroupName="auditors", PolicyName="g", PolicyDocument=document("kms:*")
    )
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    local.iam("AttachUserPolicy", UserName="eve", PolicyArn=managed)
    asked = {"Arn": arn(local, "user/eve"), "ServiceNamespaces.member.1": "kms"}
    answer = text(local.iam("ListPoliciesGrantingServiceAccess", **asked))
    assert f"<PolicyArn>{managed}</PolicyArn>" in answer
    assert "<EntityType>GROUP</EntityType><EntityName>auditors</EntityName>" in answer


def test_only_who_is_allowed(local: Local) -> None:
    """A report about another identity needs the permission for that identity."""
    may = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "iam:*", "Resource": arn(local, "user/joe")}]})  # fmt: skip
    local.iam("CreateUser", UserName="joe")
    who = user(local, "auditor", "kms:List*")
    local.iam("PutUserPolicy", UserName="auditor", PolicyName="more", PolicyDocument=may)
    joe, other = arn(local, "user/joe"), arn(local, "user/ann")
    granting = {"ServiceNamespaces.member.1": "kms"}
    for action, members in (
        ("GenerateServiceLastAccessedDetails", {}),
        ("ListPoliciesGrantingServiceAccess", granting),
    ):
        assert local.iam(action, who, Arn=joe, **members).status == 200
        assert code(local.iam(action, who, Arn=other, **members)) == "AccessDenied"
    job, _ = report(local, joe)
    assert code(local.iam("GetServiceLastAccessedDetails", who, JobId=job)) == "AccessDenied"


def organization_report(local: Local, path: str, **members: str) -> Answered:
    """The answer to a report about a place in the organization."""
    made = local.iam("GenerateOrganizationsAccessReport", EntityPath=path, **members)
    found = re.search(r"<JobId>([0-9a-f-]{36})</JobId>", made.body.decode())
    return local.iam("GetOrganizationsAccessReport", JobId=found[1]) if found else made


def test_of_an_organization(local: Local) -> None:
    """What is accessible below a place, when it was used last, and in how many accounts."""
    path = "o-0123456789/r-0123"
    assert code(organization_report(local, path)) == "AccessDenied"  # there is no organization
    made = local.organizations("CreateOrganization").json["Organization"]["Id"]
    root = local.organizations("ListRoots").json["Roots"][0]["Id"]
    unit = local.organizations("CreateOrganizationalUnit", ParentId=root, Name="unit").json
    unit_id = unit["OrganizationalUnit"]["Id"]
    member = local.organizations("CreateAccount", Email="m@example.com", AccountName="m").json
    account = member["CreateAccountStatus"]["AccountId"]
    local.organizations(
        "MoveAccount", AccountId=account, SourceParentId=root, DestinationParentId=unit_id
    )
    local.organizations("EnablePolicyType", RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    local.installation.upkeep.write_accesses(1000)
    own = local.founded.account_id
    top = f"{made}/{root}"

    whole = text(organization_report(local, top))
    assert "<NumberOfServicesAccessible>8</NumberOfServicesAccessible>" in whole
    assert f"<EntityPath>{top}/{own}/</EntityPath>" in whole
    assert "<TotalAuthenticatedEntities>1</TotalAuthenticatedEntities>" in whole
    assert re.findall(r"<ServiceNamespace>([^<]+)<", whole)[0] == "access-analyzer"
    unused = text(organization_report(local, f"{top}/{unit_id}"))
    assert "<NumberOfServicesNotAccessed>8</NumberOfServicesNotAccessed>" in unused
    assert "LastAuthenticatedTime" not in unused

    policy = local.organizations(
        "CreatePolicy", Name="keys", Description="", Type="SERVICE_CONTROL_POLICY",
        Content=document("kms:*"),
    ).json["Policy"]["PolicySummary"]["Id"]  # fmt: skip
    place = f"{top}/{unit_id}/{account}"
    assert code(organization_report(local, place, OrganizationsPolicyId=policy)) == "InvalidInput"
    local.organizations("AttachPolicy", PolicyId=policy, TargetId=account)
    one = text(organization_report(local, place, OrganizationsPolicyId=policy))
    assert re.findall(r"<ServiceNamespace>([^<]+)<", one) == ["kms"]
    local.organizations("DetachPolicy", PolicyId="p-FullAWSAccess", TargetId=account)
    one = text(organization_report(local, place))
    assert re.findall(r"<ServiceNamespace>([^<]+)<", one) == ["kms"]

    for strange in (f"{top}/{account}", f"{top}/ou-0123-01234567", f"o-9999999999/{root}"):
        assert code(organization_report(local, strange)) == "InvalidInput", strange
    assert code(local.iam("GetOrganizationsAccessReport", JobId="0" * 36)) == "NoSuchEntity"
