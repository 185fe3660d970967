"""`keystead directory`, asked of a running server, about a real directory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

import keystead_service
from tests.conftest import REGION, Credentials, Server, create_user, policy, refused
from tests.directories.slapd import BASE, READER, READER_PASSWORD, Slapd

TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "ds.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    }
)


def said(server: Server, *words: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    done = server.keystead("directory", *words, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def failure(server: Server, *words: str) -> str:
    """The words of a command that fails."""
    done = server.keystead("directory", *words)
    assert done.returncode, done.stdout
    return done.stderr


def private(file: Path, secret: str) -> None:
    """A file that its owner alone may read."""
    file.touch(mode=0o600)
    file.write_text(f"{secret}\n")


@pytest.fixture
def files(tmp_path: Path, directory: Slapd) -> Path:
    private(tmp_path / "reader", READER_PASSWORD)
    (tmp_path / "ca.pem").write_text(directory.ca)
    return tmp_path


@pytest.fixture
def corp(server: Server, directory: Slapd, files: Path) -> Iterator[dict[str, Any]]:
    """A directory that the server knows."""
    account = server.client("sts").get_caller_identity()["Account"]
    yield said(server, *described(directory, files), "--account-id", account)
    server.keystead("directory", "delete", "corp")


def described(directory: Slapd, files: Path, name: str = "corp") -> tuple[str, ...]:
    return (
        "create", name, "--url", directory.url, "--ca-file", str(files / "ca.pem"),
        "--bind-dn", READER, "--bind-password-file", str(files / "reader"),
        "--base-dn", f"ou=people,{BASE}", "--group-base-dn", f"ou=groups,{BASE}",
    )  # fmt: skip


def test_a_directory_comes_is_listed_and_goes(
    server: Server, directory: Slapd, files: Path, corp: dict[str, Any]
) -> None:
    """It has an ARN of AWS Directory Service, and its password is shown by nothing."""
    account, directory_id = corp["AccountId"], corp["DirectoryId"]
    assert corp["Arn"] == f"arn:aws:ds:eu-central-1:{account}:directory/{directory_id}"
    assert len(directory_id) == 12
    listed = server.keystead("directory", "list").stdout
    assert "corp" in listed
    assert directory.url in listed
    shown = said(server, "show", "corp")
    assert shown["IdAttribute"] == "entryUUID"
    assert READER_PASSWORD not in json.dumps(shown) + server.log()
    again = failure(server, *described(directory, files), "--account-id", account)
    assert "there is a directory `corp` already" in again

    said(server, "delete", "corp")

    assert "there is no directory `corp`" in failure(server, "show", "corp")


def test_what_no_directory_can_be_is_refused(server: Server, directory: Slapd, files: Path) -> None:
    """Each sentence names what is wrong; the same without it is taken (the test above)."""
    account = server.client("sts").get_caller_identity()["Account"]
    words = (*described(directory, files, "other"), "--account-id", account)
    for wrong, sentence in (
        (("--url", "http://127.0.0.1"), "is not `ldaps://host`"),
        (("--url", "ldaps://localhost"), "write 127.0.0.1"),
        (("--id-attribute", "uid"), "`uid` may change"),
        (("--user-filter", "(uid=*{name}*)"), "does not ask for the name"),
        (("--user-filter", "(uid=alice)"), "does not ask for the name"),
        (("--user-filter", "(|(uid={name})"), "is not a filter"),
        (("--user-filter", "({name}=alice)(uid={name})"), "does not ask for the name"),
        (("--base-dn", "people"), "names of entries"),
    ):
        assert sentence in failure(server, *words, *wrong)


def test_a_trial_shows_each_step(
    server: Server, directory: Slapd, files: Path, corp: dict[str, Any]
) -> None:
    """The table ends with the step that failed, and then the exit status is 1."""
    directory.person("tess", "wonderland")
    private(files / "right", "wonderland")
    private(files / "wrong", "wonderlamp")
    right = said(server, "try", "corp", "--user", "tess", "--password-file", str(files / "right"))
    assert [each["Step"] for each in right["Steps"]] == list(range(1, 10))
    assert right["Proved"]
    assert right["CanonicalName"] == "tess"

    known = server.keystead("directory", "try", "corp", "--user", "tess")
    assert known.returncode == 0
    assert " 7 " not in known.stdout, "without a password none is tried"
    wrong = server.keystead(
        "directory", "try", "corp", "--user", "tess", "--password-file", str(files / "wrong")
    )
    assert wrong.returncode == 1
    last = wrong.stdout.splitlines()[-1]
    assert last.split()[:2] == ["7", "refused"]
    assert "the password is the entry's" in last


def test_people_and_groups_are_assigned_by_their_ids(
    server: Server, directory: Slapd, corp: dict[str, Any]
) -> None:
    """A trial shows the roles that would follow, and an assignment goes as it came."""
    role = server.client("iam").create_role(
        RoleName="directory-people", AssumeRolePolicyDocument=TRUST
    )["Role"]
    dn = directory.person("una", "wonderland")
    directory.group("readers", dn)

    own = said(server, "assign", "corp", "--user", "una", "--role", role["Arn"])
    group = said(server, "assign", "corp", "--group", "readers", "--role", "directory-people")

    tried = said(server, "try", "corp", "--user", "una")
    assert own["ImmutableId"] == tried["ImmutableId"]
    assert [each["AssignmentId"] for each in tried["Assignments"]] == [own["AssignmentId"]]
    assert "has the role" in failure(
        server, "assign", "corp", "--user", "una", "--role", "directory-people"
    )
    said(server, "unassign", "corp", own["AssignmentId"])
    tried = said(server, "try", "corp", "--user", "una")
    assert [each["AssignmentId"] for each in tried["Assignments"]] == [group["AssignmentId"]]
    assert len(said(server, "show", "corp")["Assignments"]) == 1
    assert "no role `nobody`" in failure(
        server, "assign", "corp", "--user", "una", "--role", "nobody"
    )
    assert "was not found" in failure(
        server, "assign", "corp", "--user", "nobody", "--role", "directory-people"
    )


def test_a_trial_says_which_roles_let_in(
    server: Server, directory: Slapd, corp: dict[str, Any]
) -> None:
    """As `keystead explain` decides it, which knows the service, too."""
    half = TRUST.replace(', "sts:SetSourceIdentity"', "")
    assert half != TRUST
    roles = {
        name: server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)[
            "Role"
        ]["Arn"]
        for name, trust in (("lets-in", TRUST), ("lets-nobody-in", half))
    }
    directory.person("xena", "wonderland")
    for role in roles:
        said(server, "assign", "corp", "--user", "xena", "--role", role)

    tried = server.keystead("directory", "try", "corp", "--user", "xena")

    lines = {line.split()[4]: line.split()[5] for line in tried.stdout.splitlines()[-2:]}
    assert lines == {roles["lets-in"]: "yes", roles["lets-nobody-in"]: "no"}
    assert "keystead explain --principal ds.amazonaws.com" in tried.stderr
    explained = server.keystead(
        "explain", "--principal", "ds.amazonaws.com", "--action", "sts:SetSourceIdentity",
        "--resource", roles["lets-nobody-in"],
    )  # fmt: skip
    assert explained.returncode == 1
    assert "SetSourceIdentity" in explained.stdout


def api(server: Server, who: Credentials | None = None) -> Any:
    """A boto3 client of our own operations."""
    who, core = who or server.admin, botocore.session.get_session()
    folder = Path(keystead_service.__file__).parent / "data"
    core.get_component("data_loader").search_paths.append(str(folder))
    return boto3.Session(botocore_session=core).client(
        "keystead", region_name=REGION, endpoint_url=server.endpoint,
        aws_access_key_id=who.access_key_id, aws_secret_access_key=who.secret,
    )  # fmt: skip


def test_a_caller_assigns_what_it_may_pass(
    server: Server, directory: Slapd, corp: dict[str, Any]
) -> None:
    """Its own action is needed, and iam:PassRole to the service of directories."""
    role = server.client("iam").create_role(
        RoleName="passed-to-directories", AssumeRolePolicyDocument=TRUST
    )["Role"]["Arn"]
    directory.person("vera", "wonderland")
    directory.group("verifiers", f"uid=vera,ou=people,{BASE}")
    may = {"Effect": "Allow", "Action": "keystead:*Directory*", "Resource": corp["Arn"]}
    to = {"StringEquals": {"iam:PassedToService": "ds.amazonaws.com"}}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": to}
    ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    elsewhere = {**passes, "Condition": ec2}
    asked = {"DirectoryId": corp["DirectoryId"], "RoleArn": role}
    for name, statements in (("own", [may]), ("passing", [passes]), ("other", [may, elsewhere])):
        who = create_user(server, f"directory-{name}", *statements)
        with refused("AccessDeniedException", "PassRole" if name != "passing" else "Assign"):
            api(server, who).assign_directory_role(**asked, UserName="vera")
    who = create_user(server, "directory-both", may, passes)
    client = api(server, who)

    own = client.assign_directory_role(**asked, UserName="vera")["Assignment"]
    client.assign_directory_role(**asked, GroupName="verifiers")

    assert own["ImmutableId"] == said(server, "try", "corp", "--user", "vera")["ImmutableId"]
    listed = client.list_directory_assignments(DirectoryId=corp["DirectoryId"])["Assignments"]
    kinds = {each["Name"]: each["IsGroup"] for each in listed}
    assert kinds == {"vera": False, "verifiers": True}
    with refused("InvalidAssignmentException", "no such name"):
        client.assign_directory_role(**asked, UserName="nobody")
    with refused("InvalidAssignmentException", "has the role"):
        client.assign_directory_role(**asked, UserName="vera")
    with refused("InvalidAssignmentException", "Either"):
        client.assign_directory_role(**asked)
    removed = {"DirectoryId": corp["DirectoryId"], "AssignmentId": own["AssignmentId"]}
    client.unassign_directory_role(**removed)
    with refused("NoSuchAssignmentException"):
        client.unassign_directory_role(**removed)
    with refused("AccessDeniedException"):
        client.list_directory_assignments(DirectoryId="d-0123456789")
    with refused("NoSuchDirectoryException"):
        api(server).list_directory_assignments(DirectoryId="d-0123456789")
    another = role.replace(role.split(":")[4], "111111111111")
    with refused("AccessDeniedException"):
        api(server).assign_directory_role(**{**asked, "RoleArn": another}, UserName="vera")


def test_a_directory_that_is_away_assigns_nothing(
    server: Server, directory: Slapd, corp: dict[str, Any]
) -> None:
    role = server.client("iam").create_role(
        RoleName="assigned-while-away", AssumeRolePolicyDocument=TRUST
    )["Role"]["Arn"]
    directory.person("walt", "wonderland")
    asked = {"DirectoryId": corp["DirectoryId"], "RoleArn": role, "UserName": "walt"}
    said(server, "update", "corp", "--url", "ldaps://127.0.0.1:9")

    with refused("DirectoryUnavailableException"):
        api(server).assign_directory_role(**asked)

    said(server, "update", "corp", "--url", directory.url)
    assert api(server).assign_directory_role(**asked)["Assignment"]["Name"] == "walt"


def test_a_secret_that_others_may_read_is_refused(
    server: Server, files: Path, corp: dict[str, Any]
) -> None:
    """The password of the bind name, and that of a trial; nothing is changed, and none is tried."""
    (files / "reader").chmod(0o640)
    for words in (
        ("update", "corp", "--bind-password-file"),
        ("try", "corp", "--user", "x", "--password-file"),
    ):
        told = failure(server, *words, str(files / "reader"))
        assert "is accessible to others (mode 0640)" in told
        assert "hint: chmod 600" in told
    assert said(server, "show", "corp")["Revision"] == 0


def test_every_change_is_recorded(server: Server, corp: dict[str, Any], files: Path) -> None:
    """With the directory's ARN; a change makes a new revision."""
    assert said(server, "update", "corp", "--name-attribute", "cn")["Revision"] == 1
    private(files / "reader", "another")
    words = ("update", "corp", "--bind-password-file", str(files / "reader"))
    assert said(server, *words)["Revision"] == 2
    nothing = server.keystead("directory", "update", "corp")
    assert nothing.returncode != 0
    assert "nothing of the directory is to be changed" in nothing.stderr
    assert said(server, "show", "corp")["Revision"] == 2
    assert said(server, "show", "corp")["NameAttribute"] == "cn"
    done = server.keystead("audit", "show", "--json")
    records = [json.loads(line) for line in done.stdout.splitlines() if corp["Arn"] in line]
    assert {"CreateDirectory", "UpdateDirectory"} <= {each["eventName"] for each in records}
    assert "another" not in json.dumps(records)
