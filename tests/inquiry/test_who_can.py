"""`keystead who-can` lists who the server would let, how, and under which conditions."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keystead.cli.questions import who_can as command
from keystead.failures import Failure
from keystead.inquiry import who_can
from keystead.server.installation.ceremonies.acts import perform
from tests.conftest import BIN, Server, create_user, policy, refused
from tests.patience import PATIENCE
from tests.server.installations import Local, open_local

CONTEXT = "kms:EncryptionContext:app"
ENCRYPT = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def arn(server: Server, name: str) -> str:
    return str(server.client("iam").get_user(UserName=name)["User"]["Arn"])


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A key that delegates to its account, and names one user and everybody."""
    kms = server.client("kms")
    found = str(kms.create_key(Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]["Arn"])
    create_user(server, "named")
    create_user(server, "orders", {**ENCRYPT, **when("StringEquals", CONTEXT, "orders")})
    create_user(server, "red", {**ENCRYPT, **when("StringEquals", "aws:ResourceTag/team", "red")})
    create_user(server, "blue", {**ENCRYPT, **when("StringEquals", "aws:ResourceTag/team", "blue")})
    create_user(server, "s3", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    account = found.split(":")[4]
    kms.put_key_policy(
        KeyId=found,
        PolicyName="default",
        Policy=policy(
            {"Sid": "all", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": f"arn:aws:iam::{account}:root"}},
            {"Sid": "her", "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
             "Principal": {"AWS": arn(server, "named")}},
            {"Sid": "stale", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*",
             "Principal": "*", **when("StringEquals", CONTEXT, "stale")},
        ),
    )  # fmt: skip
    return found


def ask(server: Server, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the principals by ARN."""
    ran = server.keystead("who-can", *arguments, "--json")
    assert "Traceback" not in ran.stderr
    answer = json.loads(ran.stdout)
    return ran.returncode, {one["principal"]: one for one in answer["principals"]}


def test_each_by_its_way(server: Server, key: str) -> None:
    """The named user by the key policy, others by their own, root itself; the rest not at all."""
    status, found = ask(server, "kms:Encrypt", key, "--context", f"{CONTEXT}=orders")
    assert status == 0
    ways = {
        name: [(way["by"], [one["sid"] or one["policy"]
                            for need in way["needs"] for one in need["oneOf"]])
               for way in found[arn(server, name)]["ways"]]
        for name in ("named", "orders", "red")
    }  # fmt: skip
    through = "identity-based policy, through the account"
    assert ways == {
        "named": [("resource-based policy", ["her"])],
        "orders": [(through, ["all", "inline"])],
        "red": [(through, ["all", "inline"])],
    }
    assert {found[arn(server, name)]["verdict"] for name in ways} == {"can"}
    assert f"arn:aws:iam::{key.split(':')[4]}:root" in found
    assert arn(server, "blue") not in found
    assert arn(server, "s3") not in found


def test_as_the_server_decides(server: Server, key: str) -> None:
    """What is listed with a condition, the server allows under it and refuses without."""
    name = create_user(server, "decided", {**ENCRYPT, **when("StringEquals", CONTEXT, "a")})
    _, found = ask(server, "kms:Encrypt", key)
    decided = found[arn(server, "decided")]
    assert decided["verdict"] == "can under conditions"
    [way] = decided["ways"]
    assert [one["conditions"] for need in way["needs"] for one in need["oneOf"]][-1] == [
        {"operator": "StringEquals", "key": CONTEXT, "values": ["a"], "actual": None}
    ]
    assert [one["sid"] for one in decided["unless"]] == ["stale"]
    kms = server.client("kms", name)
    kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"app": "a"})
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"app": "b"})
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")

    _, given = ask(server, "kms:Encrypt", key, "--context", f"{CONTEXT}=a")
    assert given[arn(server, "decided")]["verdict"] == "can"
    _, other = ask(server, "kms:Encrypt", key, "--context", f"{CONTEXT}=b")
    assert arn(server, "decided") not in other
    _, without = ask(server, "kms:Encrypt", key, "--without", CONTEXT)
    assert arn(server, "decided") not in without
    assert without[arn(server, "named")]["verdict"] == "can"


def test_groups_and_boundaries_have_their_say(server: Server, key: str) -> None:
    """A group's managed policy lets in; a boundary shuts out, or leaves its condition."""
    iam = server.client("iam")
    create_user(server, "member")
    document = policy({**ENCRYPT, "Sid": "shared"})
    managed = iam.create_policy(PolicyName="who-can", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_group(GroupName="who-can")
    iam.attach_group_policy(GroupName="who-can", PolicyArn=managed)
    _, before = ask(server, "kms:Encrypt", key)
    assert arn(server, "member") not in before
    iam.add_user_to_group(GroupName="who-can", UserName="member")
    _, after = ask(server, "kms:Encrypt", key, "--without", CONTEXT)
    [way] = after[arn(server, "member")]["ways"]
    [deciding] = way["needs"][1]["oneOf"]
    assert (deciding["policy"], deciding["sid"]) == (managed, "shared")
    assert deciding["attachedTo"].endswith(":group/who-can")

    limit = policy({**ENCRYPT, **when("IpAddress", "aws:SourceIp", "10.0.0.0/8")})
    boundary = iam.create_policy(PolicyName="limit", PolicyDocument=limit)["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="member", PermissionsBoundary=boundary)
    _, bounded = ask(server, "kms:Encrypt", key, "--without", CONTEXT)
    assert bounded[arn(server, "member")]["verdict"] == "can under conditions"
    outside = ("--without", CONTEXT, "--context", "aws:SourceIp=192.0.2.1")
    _, refused_there = ask(server, "kms:Encrypt", key, *outside)
    assert arn(server, "member") not in refused_there


def test_whom_the_policy_names_beside_them(server: Server, key: str) -> None:
    """`*`, a service and a user who is gone are listed, as not known here."""
    kms, iam = server.client("kms"), server.client("iam")
    create_user(server, "leaving")
    gone = arn(server, "leaving")
    opened = kms.create_key()["KeyMetadata"]["Arn"]
    account = opened.split(":")[4]
    kms.put_key_policy(
        KeyId=opened,
        PolicyName="default",
        Policy=policy(
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": [f"arn:aws:iam::{account}:root", gone]}},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
             "Principal": {"Service": "logs.amazonaws.com"}},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Principal": "*",
             **when("StringEquals", CONTEXT, "public")},
        ),
    )  # fmt: skip
    _, found = ask(server, "kms:Decrypt", opened)
    assert found[gone]["known"]
    assert not found["*"]["known"]
    assert found["*"]["verdict"] == "can under conditions"
    assert found["logs.amazonaws.com"]["verdict"] == "can"
    assert not found["logs.amazonaws.com"]["known"]
    _, encrypt = ask(server, "kms:Encrypt", opened)
    assert "*" not in encrypt
    assert "logs.amazonaws.com" not in encrypt

    for access_key in iam.list_access_keys(UserName="leaving")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="leaving", AccessKeyId=access_key["AccessKeyId"])
    unique_id = iam.get_user(UserName="leaving")["User"]["UserId"]
    iam.delete_user(UserName="leaving")
    create_user(server, "leaving", {**ENCRYPT, "Sid": "her"})
    _, found = ask(server, "kms:Encrypt", opened)
    was = found[unique_id]
    assert (was["known"], was["gone"], was["former"]) == (False, True, gone)
    # The namesake is somebody else, whom the key policy does not name.
    namesake = found[gone]
    assert (namesake["known"], namesake["gone"], namesake["former"]) == (True, False, "")
    assert [way["by"] for way in namesake["ways"]] == ["identity-based policy, through the account"]
    lines = server.keystead("who-can", "kms:Encrypt", opened).stdout.splitlines()
    assert [line for line in lines if line.startswith(f"{unique_id} (gone; was {gone})")]
    assert len([line for line in lines if line.startswith(gone)]) == 1


def test_a_table_for_people(server: Server, key: str) -> None:
    """One line for each principal and way, with the statements and what remains."""
    ran = server.keystead("who-can", "kms:Encrypt", key)
    assert ran.returncode == 0
    head, *lines = ran.stdout.splitlines()
    assert head.split() == ["principal", "by", "statements", "conditions"]
    [orders] = [line for line in lines if line.startswith(f"{arn(server, 'orders')} ")]
    assert " account, identity policy " in orders
    assert " default[all] + inline[1] " in orders
    assert orders.endswith(f"{CONTEXT} StringEquals orders and not ({CONTEXT} StringEquals stale)")


def test_nobody(server: Server, key: str) -> None:
    """Exit status 1 when a certain Deny refuses everybody, and root too."""
    kms = server.client("kms")
    closed = kms.create_key()["KeyMetadata"]["Arn"]
    account = closed.split(":")[4]
    kms.put_key_policy(
        KeyId=closed,
        PolicyName="default",
        Policy=policy(
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": f"arn:aws:iam::{account}:root"}},
            {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*", "Principal": "*"},
        ),
    )  # fmt: skip
    assert ask(server, "kms:Encrypt", closed) == (1, {})
    ran = server.keystead("who-can", "kms:Encrypt", closed)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "no principal can do this" in ran.stderr
    assert ask(server, "kms:Decrypt", closed)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("kms", "*"), 2, "`kms` is not an action"),
        (("kms:*", "*"), 2, "`kms:*` is not an action"),
        (("kms:Encrypt", "key"), 2, "`key` is not an ARN"),
        (("kms:Encrypt", "*", "--context", "x"), 2, "`x` is not KEY=VALUE"),
        (("kms:Encrypt", "arn:aws:kms:eu-central-1:111122223333:key/none"), 2, "there is no key"),
    ],
)
def test_a_question_that_is_none(
    server: Server, arguments: tuple[str, ...], status: int, words: str
) -> None:
    """What is wrong with a question is said, with what to do."""
    ran = server.keystead("who-can", *arguments)
    assert ran.returncode == status
    assert words in ran.stderr
    assert "hint" in ran.stderr


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return open_local(tmp_path / "data")


def pages(local: Local, **question: Any) -> list[dict[str, Any]]:
    """Every page of an answer."""
    found = [perform(local.installation, "who-can", question)]
    while found[-1]["after"] is not None:
        more = {**question, "after": found[-1]["after"]}
        found.append(perform(local.installation, "who-can", more))
    return found


def test_pages_together_are_everybody(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the principals fall on pages, over accounts too, each comes once."""
    for number in range(5):
        assert local.iam("CreateUser", UserName=f"u{number}").status == 200
    for number in range(3):
        role = {"RoleName": f"r{number}", "AssumeRolePolicyDocument": TRUST}
        assert local.iam("CreateRole", **role).status == 200
    perform(local.installation, "account create", {"account_id": "444455556666"})
    question = {"action": "sts:GetCallerIdentity", "resource": "*"}
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 60)
    [whole] = pages(local, **question)
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 0)
    monkeypatch.setattr(who_can, "_READ", 2)
    single = pages(local, **question)
    listed = [one["principal"] for page in single for one in page["principals"]]
    assert listed == [one["principal"] for one in whole["principals"]]
    assert len(listed) == len(set(listed)) == whole["whole"] == 11
    assert [page["asked"] for page in single] == [*[1] * 11, 0]
    local.installation.close()


def test_without_a_server(local: Local) -> None:
    """A directory that nobody serves is asked itself; one that is none is told apart."""
    key = local.kms("CreateKey").json["KeyMetadata"]["Arn"]
    data = local.installation.directory
    local.installation.close()
    found = {}
    for name, place in (("own", data), ("none", data / "none")):
        found[name] = subprocess.run(
            [BIN / "keystead", "who-can", "kms:Encrypt", key, "--json", "--data", place],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert found["own"].returncode == 0
    listed = json.loads(found["own"].stdout)["principals"]
    names = [one["principal"].rpartition(":")[2] for one in listed]
    assert names == ["root", "user/admin"]
    assert (found["none"].returncode, found["none"].stdout) == (3, "")
    assert "holds no installation" in found["none"].stderr


@pytest.mark.parametrize("changed", [False, True])
def test_a_change_meanwhile(capsys: pytest.CaptureFixture[str], changed: bool) -> None:
    """Pages of different states are told; those of one state are one answer."""
    asked: list[dict[str, Any]] = []

    def hold(_: str, question: dict[str, Any]) -> dict[str, Any]:
        asked.append(question)
        last = len(asked) == 2
        return {
            "principals": [{"page": len(asked)}], "after": None if last else [0, "a"], "asked": 1,
            "whole": 2, "epoch": 7 + (changed and last),
        }  # fmt: skip

    assert list(command.found_by(hold, {"action": "a:B"})) == [{"page": 1}, {"page": 2}]
    assert asked == [{"action": "a:B"}, {"action": "a:B", "after": [0, "a"]}]
    assert ("changed meanwhile" in capsys.readouterr().err) is changed


def test_star_is_of_each_account(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every root may do what has no resource, in its own account; no text is taken for an ARN."""
    perform(local.installation, "account create", {"account_id": "444455556666"})
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 60)
    [page] = pages(local, action="kms:CreateKey", resource="*")
    roots = {one["principal"] for one in page["principals"] if one["principal"].endswith("root")}
    assert len(roots) == 2
    with pytest.raises(Failure, match="not an ARN"):
        pages(local, action="kms:CreateKey", resource="")
    local.installation.close()


TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)


def create_role(server: Server, name: str, *statements: dict[str, Any], **members: Any) -> str:
    """The ARN of a new role with these permissions."""
    iam = server.client("iam")
    given = {"AssumeRolePolicyDocument": TRUST, **members}
    made = str(iam.create_role(RoleName=name, **given)["Role"]["Arn"])
    for number, statement in enumerate(statements):
        document = policy(statement)
        iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=document)
    return made


def test_roles_stand_beside_users(server: Server, key: str) -> None:
    """A role is listed under its ARN, with its own policies and boundary; another is not."""
    iam = server.client("iam")
    can = create_role(server, "can-encrypt", ENCRYPT, Path="/team/")
    cannot = create_role(server, "cannot-encrypt", {**ENCRYPT, "Action": "s3:*"})
    without = ("--without", CONTEXT)

    _, found = ask(server, "kms:Encrypt", key, *without)
    assert found[can]["verdict"] == "can"
    assert cannot not in found
    document = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    boundary = iam.create_policy(PolicyName="only-s3", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="can-encrypt", PermissionsBoundary=boundary)
    _, bounded = ask(server, "kms:Encrypt", key, *without)
    assert can not in bounded


def test_what_a_session_brings_stays_open(server: Server, key: str) -> None:
    """The name of a session is open; its tags are, if the trust policy lets anybody set some."""
    named = {**ENCRYPT, **when("StringLike", "aws:userid", "*:alice")}
    tagged = {**ENCRYPT, **when("StringEquals", "aws:PrincipalTag/team", "blue")}
    both = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    )
    by_name = create_role(server, "by-name", named)
    by_tag = create_role(server, "by-tag", tagged)
    may_tag = create_role(server, "may-tag", tagged, AssumeRolePolicyDocument=both)
    blue = [{"Key": "team", "Value": "blue"}]
    is_blue = create_role(server, "is-blue", tagged, Tags=blue)

    _, found = ask(server, "kms:Encrypt", key, "--without", CONTEXT)

    assert found[by_name]["verdict"] == "can under conditions"
    assert by_tag not in found
    assert found[may_tag]["verdict"] == "can under conditions"
    assert found[is_blue]["verdict"] == "can"


def test_a_role_in_a_key_policy_is_known_until_it_is_gone(server: Server, key: str) -> None:
    """A key policy means the role by its unique id: a new role of the name is another."""
    kms, iam = server.client("kms"), server.client("iam")
    role = create_role(server, "in-key-policy")
    created = kms.create_key()["KeyMetadata"]["Arn"]
    account = role.split(":")[4]
    kms.put_key_policy(
        KeyId=created,
        PolicyName="default",
        Policy=policy(
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": f"arn:aws:iam::{account}:root"}},
            {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
             "Principal": {"AWS": role}},
        ),
    )  # fmt: skip
    _, before = ask(server, "kms:Encrypt", created)
    assert (before[role]["known"], before[role]["verdict"]) == (True, "can")

    role_id = iam.get_role(RoleName="in-key-policy")["Role"]["RoleId"]
    iam.delete_role(RoleName="in-key-policy")
    assert create_role(server, "in-key-policy") == role
    _, after = ask(server, "kms:Encrypt", created)
    assert role not in after
    assert after[role_id]["gone"]
    shown = kms.get_key_policy(KeyId=created, PolicyName="default")["Policy"]
    assert role_id in shown
    assert role not in shown
