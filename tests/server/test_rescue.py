"""The operator gives a policy again to a key that nobody may change any more, and to no other."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.failures import Failure
from keystead.inquiry import who_can
from keystead.kms.keys import Key
from keystead.server.installation import rooms
from keystead.server.installation.ceremonies.acts import perform
from keystead.server.installation.installation import Installation
from keystead.store.sqlite.engine import open_store
from tests.conftest import BIN, Server, policy, refused
from tests.patience import PATIENCE
from tests.server.installations import Local, open_local
from tests.server.test_agenda import events, laid_out, opened
from tests.store.lossy_disk import VFS, new_disk, under_os

MAINTAIN = {"Effect": "Allow", "Action": "kms:PutKeyPolicy", "Resource": "*"}
MOST_LOSSES = 4  # of which each is opened again


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """One installation for all; each test has keys and users of its own."""
    local = open_local(tmp_path_factory.mktemp("rescue") / "data")
    yield local
    local.installation.close()


@pytest.fixture
def local(shared: Local) -> Local:
    shared.events.clear()
    return shared


def made(local: Local, *statements: dict[str, Any]) -> str:
    """A key with a policy of these statements, or with the default policy."""
    given = {"Policy": policy(*statements)} if statements else {}
    answer = local.kms("CreateKey", **given, BypassPolicyLockoutSafetyCheck=True)
    assert answer.status == 200, answer.body
    arn: str = answer.json["KeyMetadata"]["Arn"]
    return arn


def user(local: Local, name: str) -> str:
    assert local.iam("CreateUser", UserName=name).status == 200
    return f"arn:aws:iam::{local.founded.account_id}:user/{name}"


def orphan(local: Local) -> str:
    """A key whose only principal is deleted."""
    arn = made(local, {**MAINTAIN, "Principal": {"AWS": user(local, "alone")}})
    assert local.iam("DeleteUser", UserName="alone").status == 200
    return arn


def look(local: Local, arn: str) -> dict[str, Any]:
    """Every page of the first ceremony; returns the last."""
    page = perform(local.installation, "key orphaned", {"arn": arn})
    while page["after"] is not None:
        page = perform(local.installation, "key orphaned", {"arn": arn, "after": page["after"]})
    return page


def rescue(local: Local, arn: str) -> dict[str, Any]:
    """Both ceremonies, as the command line holds them."""
    given = {"arn": arn, "shownPolicy": look(local, arn)["shownPolicy"]}
    return perform(local.installation, "key rescue", given)


def records(local: Local) -> list[Any]:
    return [each for each in local.events if each.name == "RescueKey"]


def row(installation: Installation, arn: str) -> Key:
    _, _, _, region, account, resource = arn.split(":")
    key_id = resource.removeprefix("key/")
    key = installation.keys.key(installation.store.read(), account, region, key_id)
    assert key is not None
    return key


def policy_id(installation: Installation, arn: str) -> str:
    return row(installation, arn).record.policy_id


def test_an_orphaned_key_is_rescued(local: Local) -> None:
    """It has at once what CreateKey gives a key without a policy, and is otherwise unchanged."""
    arn, other = orphan(local), made(local)
    for operation in ("GetKeyPolicy", "DisableKey"):
        assert local.kms(operation, KeyId=arn).status == 400
    before = row(local.installation, arn).record
    told = rescue(local, arn)
    default = local.kms("GetKeyPolicy", KeyId=other).json["Policy"]
    assert local.kms("GetKeyPolicy", KeyId=arn).json["Policy"] == told["newPolicy"] == default
    stored = [row(local.installation, each).record for each in (arn, other)]
    assert stored[0].policy_id == stored[1].policy_id
    reader = local.installation.store.read()
    meant = [local.installation.keys.policies.stored(reader, each).meant for each in stored]
    assert meant[0] == meant[1]
    names = before.__struct_fields__
    changed = {name for name in names if getattr(before, name) != getattr(stored[0], name)}
    assert changed == {"policy_id", "row_version"}
    assert local.kms("DisableKey", KeyId=arn).status == 200


def test_a_rescue_is_recorded(local: Local) -> None:
    """With high severity and both policies; the old one names the id of the user who is gone."""
    arn = orphan(local)
    told = rescue(local, arn)
    [event] = records(local)
    assert (event.severity, [each.arn for each in event.resources]) == ("high", [arn])
    assert event.principal is None
    assert event.service_details == told
    assert set(told) == {"keyId", "oldPolicy", "newPolicy"}
    [statement] = json.loads(told["oldPolicy"])["Statement"]
    assert statement["Principal"]["AWS"].startswith("AIDA")


CONDITION = {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}


@pytest.mark.parametrize("more", [{}, {"Condition": CONDITION}], ids=["always", "sometimes"])
def test_a_key_with_a_keeper_is_refused(
    local: Local, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write its policy, if only from some address, is named; once deleted, no more.

    Each principal is a page of its own here, and the keeper is on the last.
    """
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 0.0)
    keeper = user(local, "keeper")
    arn = made(local, {**MAINTAIN, "Principal": {"AWS": keeper}, **more})
    shown = policy_id(local.installation, arn)
    act = partial(perform, local.installation, "key rescue", {"arn": arn, "shownPolicy": shown})
    for ceremony in (partial(look, local, arn), act):
        with pytest.raises(Failure, match=f"is not orphaned: `{keeper}` may change") as caught:
            ceremony()
        assert caught.value.status == 1
    assert records(local) == []
    assert policy_id(local.installation, arn) == shown
    assert local.iam("DeleteUser", UserName="keeper").status == 200
    rescue(local, arn)


def test_another_policy_than_the_shown_is_kept(local: Local) -> None:
    """What the operator did not read is not replaced."""
    arn = orphan(local)
    shown = policy_id(local.installation, arn)
    with pytest.raises(Failure, match="was changed meanwhile"):
        perform(local.installation, "key rescue", {"arn": arn, "shownPolicy": shown + "x"})
    assert policy_id(local.installation, arn) == shown
    perform(local.installation, "key rescue", {"arn": arn, "shownPolicy": shown})


def test_a_suspended_account_orphans_no_key(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be opened again, and then its principals may."""
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 60.0)
    arn, lost = made(local), orphan(local)
    perform(local.installation, "account suspend", {"account_id": local.founded.account_id})
    asked = {"action": "kms:PutKeyPolicy", "resource": arn}
    assert perform(local.installation, "who-can", asked)["principals"] == []
    with pytest.raises(Failure, match="is not orphaned"):
        rescue(local, arn)
    rescue(local, lost)
    perform(local.installation, "account reopen", {"account_id": local.founded.account_id})


def test_an_organization_orphans_no_key(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its policies forbid to a member's principals they may allow again."""
    monkeypatch.setattr(who_can, "PAGE_SECONDS", 60.0)
    assert local.organizations("CreateOrganization", FeatureSet="ALL").status == 200
    root = local.organizations("ListRoots").json["Roots"][0]["Id"]
    local.organizations("EnablePolicyType", RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    created = local.organizations("CreateAccount", Email="m@example.com", AccountName="m").json
    member = created["CreateAccountStatus"]["AccountId"]
    key = perform(local.installation, "account root-access-key", {"account_id": member})
    who = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    arn = local.kms("CreateKey", who).json["KeyMetadata"]["Arn"]
    denying = policy({"Effect": "Deny", "Action": "kms:PutKeyPolicy", "Resource": "*"})
    identifier = local.organizations(
        "CreatePolicy", Name="p", Description="", Type="SERVICE_CONTROL_POLICY", Content=denying
    ).json["Policy"]["PolicySummary"]["Id"]
    attached = local.organizations("AttachPolicy", PolicyId=identifier, TargetId=member)
    assert attached.status == 200, attached.body
    asked = {"action": "kms:PutKeyPolicy", "resource": arn}
    assert perform(local.installation, "who-can", asked)["principals"] == []
    with pytest.raises(Failure, match=f"is not orphaned: `arn:aws:iam::{member}:root`"):
        rescue(local, arn)


def test_what_is_no_key_is_refused(local: Local) -> None:
    """An alias is refused, and an unknown key."""
    arn = orphan(local)
    with pytest.raises(Failure, match="is not the ARN of a key"):
        rescue(local, "alias/x")
    with pytest.raises(Failure, match="there is no key"):
        rescue(local, arn[:-1])
    rescue(local, arn)


@pytest.mark.parametrize("broken", ["record", "change_policy"])
def test_a_failure_leaves_the_old_policy(
    local: Local, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the policy without its record, nor the record without the policy."""
    arn = orphan(local)
    shown = policy_id(local.installation, arn)
    owner = local.installation.trail if broken == "record" else local.installation.keys

    def fail(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(owner, broken, fail)
        with pytest.raises(OSError, match="no room"):
            rescue(local, arn)
    assert (policy_id(local.installation, arn), records(local)) == (shown, [])
    rescue(local, arn)
    assert len(records(local)) == 1


def test_power_fails_at_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start finds the old policy, or the new one with its record."""
    local = open_local(tmp_path / "data")
    arn = orphan(local)
    local.installation.close()
    base = shutil.copytree(tmp_path / "data", tmp_path / "base")
    disk, random, left = new_disk(), Random(42), []
    under_os(disk, tmp_path / "data", monkeypatch)
    monkeypatch.setattr(rooms, "open_store", partial(open_store, vfs=VFS))
    local.installation = opened(tmp_path / "data", local.time)
    old = policy_id(local.installation, arn)
    disk.on_operation = lambda _operation, _path: left.append(disk.survivors(random))
    rescue(local, arn)
    left.append(disk.survivors(random))
    disk.on_operation = lambda _operation, _path: None
    local.installation.close()
    monkeypatch.undo()

    some = random.sample(range(len(left)), min(MOST_LOSSES, len(left)))
    found = set()
    for step in sorted({0, *some, len(left) - 1}):
        directory = laid_out(base, left[step], tmp_path / "after")
        installation = opened(directory, local.time)
        is_new = policy_id(installation, arn) != old
        found.add(is_new)
        installation.close()
        assert len(events(directory, "RescueKey")) == is_new, step
    assert found == {False, True}


def test_as_the_owner_types_it(server: Server) -> None:
    """Beside a running server: refused, not confirmed, and confirmed."""
    kms, iam = server.client("kms"), server.client("iam")
    lost = iam.create_user(UserName="typed-lost")["User"]["Arn"]
    text = policy({**MAINTAIN, "Principal": {"AWS": lost}})
    key = kms.create_key(Policy=text, BypassPolicyLockoutSafetyCheck=True)
    arn = key["KeyMetadata"]["Arn"]

    def typed(*options: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [BIN / "keystead", "key", "rescue", arn, "--data", server.data, *options],
            input=answer, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    ran = typed("--yes")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"`{lost}` may change its policy" in ran.stderr
    iam.delete_user(UserName="typed-lost")
    ran = typed()
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "key-default-1" in ran.stderr
    assert "AIDA" in ran.stderr
    with refused("AccessDeniedException"):
        kms.get_key_policy(KeyId=arn)
    ran = typed("--json", answer="y\n")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert kms.get_key_policy(KeyId=arn)["Policy"] == told["newPolicy"]
