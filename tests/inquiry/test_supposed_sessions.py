"""Questions about sessions with policies of their own: simulate, explain and who-can."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server, policy
from tests.inquiry.test_explain_roles import ENCRYPT
from tests.inquiry.test_simulate import ACCOUNT, Folder, expectation
from tests.inquiry.test_simulate_roles import ALICE, HOME, ROLE, trusting

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DECRYPT = {**ENCRYPT, "Action": "kms:Decrypt"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(policy(*statements))
    return loaded


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    """A folder with a role and a user who may encrypt."""
    made = Folder(tmp_path, capsys)
    made.write(f"{HOME}/own.json", policy(ENCRYPT))
    made.write(f"{HOME}/trust.json", trusting(ALICE))
    made.write(f"{HOME}/role.toml", 'path = "/team/"')
    made.write(f"{ACCOUNT}/users/alice/own.json", policy(ENCRYPT))
    return made


def test_session_policies_are_one_level(folder: Folder) -> None:
    """Together they allow; what none of them allows, is refused by a session policy."""
    ask = {"principal": ROLE}
    decrypt, encrypt = document(DECRYPT), document(ENCRYPT)
    assert folder.decided(**ask, sessionPolicies=[decrypt, encrypt]) == "Allowed"
    assert folder.decided(**ask, sessionPolicies=[decrypt]) == "ImplicitlyDenied"
    assert folder.decided(**ask, sessionPolicies=[policy(ENCRYPT)]) == "Allowed"


def test_scope_down_policies_are_a_level_each(folder: Folder) -> None:
    """Each of them must allow, of a role and a user alike; none gives what was not there."""
    decrypt, encrypt, everything = document(DECRYPT), document(ENCRYPT), document(ALL)
    for principal in (ROLE, ALICE):
        ask = {"principal": principal}
        assert folder.decided(**ask, scopeDownPolicies=[everything, encrypt]) == "Allowed"
        refused = {**ask, "scopeDownPolicies": [decrypt, encrypt]}
        assert folder.decided(**refused) == "ImplicitlyDenied"
        other = {**ask, "action": "kms:Decrypt", "scopeDownPolicies": [everything]}
        assert folder.decided(**other) == "ImplicitlyDenied"


def test_what_decides_has_a_name(folder: Folder) -> None:
    """An expectation names the kind of policy, and the policy by its number."""
    deny = document(ALL, {**ENCRYPT, "Effect": "Deny"})
    wanted = {"principal": ROLE, "expect": "ExplicitlyDenied"}
    scopes = {"scopeDownPolicies": [document(ALL), deny]}
    folder.expect(
        expectation(**wanted, **scopes, name="kind", by="scope-down policy"),
        expectation(**wanted, **scopes, name="number", by="scope-down policy 2"),
    )
    assert folder.run().returncode == 0


def test_what_is_wrong(folder: Folder) -> None:
    """A user has no session policies; a policy must be one."""
    folder.expect(expectation(principal=ALICE, sessionPolicies=[document(ALL)]))
    folder.wrong("has no sessions with session policies")
    folder.expect(expectation(principal=ROLE, scopeDownPolicies=[{}]))
    folder.wrong("the scope-down policy 1: ")
    folder.expect(expectation(principal=ROLE, scopeDownPolicies=[document(ALL)] * 11))
    folder.wrong("more than 10 policies")


def test_explain_and_who_can(server: Server, tmp_path: Path) -> None:
    """The options of both commands: the layer is named in the reasons, and bounds who can."""
    file, wide = tmp_path / "scope.json", tmp_path / "wide.json"
    file.write_text(policy(DECRYPT))
    wide.write_text(policy(ALL))
    key = str(server.client("kms").create_key()["KeyMetadata"]["Arn"])
    admin = str(server.client("sts").get_caller_identity()["Arn"])
    asking = ("--principal", admin, "--action", "kms:Encrypt", "--resource", key)
    for files, status in (((wide,), 0), ((wide, file), 1)):
        scopes = [each for one in files for each in ("--scope-down-policy", str(one))]
        ran = server.keystead("explain", *asking, *scopes)
        assert ran.returncode == status, ran.stderr
        assert ("scope-down policy 2" in ran.stdout) is (status == 1)
        ran = server.keystead("who-can", "kms:Encrypt", key, *scopes)
        assert ran.returncode == status, ran.stderr
    ran = server.keystead("explain", *asking, "--session-policy", str(wide))
    assert "has no sessions with session policies" in ran.stderr
