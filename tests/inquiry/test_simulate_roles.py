"""Roles in a folder of policies: as principals, as resources to assume, and in other policies."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import policy
from tests.inquiry.test_simulate import ACCOUNT, ENCRYPT, KEY_ID, Folder, expectation

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/ops"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/alice"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
HOME = f"{ACCOUNT}/roles/ops"


def trusting(*names: str, **more: Any) -> str:
    """A trust policy for these principals."""
    return policy(
        {"Effect": "Allow", "Principal": {"AWS": list(names)}, "Action": "sts:AssumeRole", **more}
    )


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    """A folder with a role that may encrypt, and that trusts alice."""
    made = Folder(tmp_path, capsys)
    made.write(f"{HOME}/own.json", policy({**ENCRYPT, "Sid": "own"}))
    made.write(f"{HOME}/trust.json", trusting(ALICE))
    made.write(f"{HOME}/role.toml", 'path = "/team/"\ntags = {team = "red"}')
    return made


def test_its_sessions_have_its_policies(folder: Folder) -> None:
    """The ARN of a role is any session; the ARN of a session has the session's name."""
    assert folder.decided(principal=ROLE) == "Allowed"
    assert folder.decided(principal=SESSION) == "Allowed"
    only_alice = {"Condition": {"ArnLike": {"aws:PrincipalArn": ROLE}}}
    folder.write(f"{HOME}/own.json", policy({**ENCRYPT, **only_alice}))
    assert folder.decided(principal=SESSION) == "Allowed"
    red = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    folder.write(f"{HOME}/own.json", policy({**ENCRYPT, **red}))
    assert folder.decided(principal=ROLE) == "ImplicitlyDenied"


def test_a_boundary_bounds_it(folder: Folder) -> None:
    """A boundary of a role works as that of a user."""
    folder.write(f"{ACCOUNT}/managed/limit.json", policy({**ENCRYPT, "Action": "s3:*"}))
    folder.write(f"{HOME}/role.toml", 'path = "/team/"\nboundary = "limit"')

    assert folder.decided(principal=ROLE) == "ImplicitlyDenied"


def test_who_may_assume_it(folder: Folder) -> None:
    """The trust policy decides, by name or with the caller's own policies."""
    asked = {"action": "sts:AssumeRole", "resource": ROLE}
    assert folder.decided(principal=ALICE, **asked) == "Allowed"
    folder.write(f"{HOME}/trust.json", trusting(ACCOUNT))
    assert folder.decided(principal=ALICE, **asked) == "ImplicitlyDenied"
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    folder.write(f"{ACCOUNT}/users/alice/assume.json", policy(assume))
    assert folder.decided(principal=ALICE, **asked) == "Allowed"


def test_key_policies_name_roles_and_sessions(folder: Folder) -> None:
    """A key policy may name a role, which means each of its sessions, or one session."""
    folder.write(f"{HOME}/own.json", policy({**ENCRYPT, "Action": "s3:*"}))
    for name, bob in ((ROLE, "Allowed"), (SESSION, "ImplicitlyDenied")):
        statement = {**ENCRYPT, "Principal": {"AWS": name}}
        folder.write(f"{ACCOUNT}/keys/{KEY_ID}.json", policy(statement))
        assert folder.decided(principal=SESSION) == "Allowed"
        assert folder.decided(principal=SESSION.replace("/alice", "/bob")) == bob


def test_what_is_wrong_with_a_role(folder: Folder) -> None:
    """A role needs a trust policy, which names nobody but those of the folder."""
    folder.expect(expectation())
    (folder.path / HOME / "trust.json").unlink()
    folder.wrong("the role has no trust policy, `trust.json`")
    folder.write(f"{HOME}/trust.json", trusting(f"{ALICE}x"))
    folder.wrong("Invalid principal in policy")
    folder.write(f"{HOME}/trust.json", trusting(ALICE, Resource="*"))
    folder.wrong("Has prohibited field Resource.")
    folder.write(f"{HOME}/trust.json", trusting(ALICE, Sid="S" * 2_048))
    folder.wrong("it is longer than 2048 characters")


@pytest.mark.parametrize(
    "principal", [f"{ROLE}x", SESSION.replace("/ops/", "/Ops/"), SESSION.replace("aws", "aws-cn")]
)
def test_no_such_role(folder: Folder, principal: str) -> None:
    """A role that is not in the folder is an error, and so is one that nobody could assume."""
    folder.expect(
        {"name": "x", "principal": principal, "action": "kms:Encrypt", "resource": "*",
         "expect": "Denied"}
    )  # fmt: skip
    assert folder.run().returncode == 2
    folder.expect(
        {"name": "x", "principal": ALICE, "action": "sts:AssumeRole", "resource": f"{ROLE}x",
         "expect": "Denied"}
    )  # fmt: skip
    folder.wrong(f"there is no role `{ROLE}x`")
