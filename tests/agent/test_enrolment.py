"""A token enrols one agent for one instance, once, within 15 minutes (threat-model IM-2)."""

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.credentials import Credentials
from nacl.signing import SigningKey

from keystead.agent.enrolling import enrol
from keystead.agent.server import Refused
from keystead.agent.server import Server as Upstream
from keystead.agent.state import State
from keystead.failures import Failure
from keystead.identity.repository import Instance
from keystead.server.installation import perform
from keystead.times import microseconds
from keystead.wire.agents import credentials_text, enrolment_text
from keystead.wire.models import keystead_instances as api
from tests.agent import hosts
from tests.agent.hosts import Time
from tests.conftest import BIN, Server, create_user
from tests.conftest import REGION as SERVED
from tests.server import sdk
from tests.server.installations import REGION, Local, open_local

OPERATION = "keystead-instances"
REFUSED = "AgentRefusedException"


def enrol_at(server: Server, folder: Path, token: str) -> State:
    state = State(folder)
    enrol(state, Upstream(server.endpoint), "", token, Time().now)
    return state


def test_a_token_is_used_once(server: Server, tmp_path: Path) -> None:
    """A second host with the same token is refused, and the first one stays."""
    made = hosts.host(server, "once")
    token = made.token()
    first = enrol_at(server, tmp_path / "first", token)
    key = first.key()
    with pytest.raises(Failure, match="refuses to enrol"):
        enrol_at(server, tmp_path / "second", token)
    assert bytes(first.key()) == bytes(key)
    for name in ("agent.key", "enrolment.json"):
        assert (tmp_path / "first" / name).stat().st_mode & 0o777 == 0o600


def test_a_lost_answer(server: Server, tmp_path: Path) -> None:
    """The same token with the same key is taken again, with a later sequence only."""
    token, key = hosts.host(server, "lost").token(), SigningKey.generate()
    upstream, now = Upstream(server.endpoint), microseconds(Time().now())

    def ask(key: SigningKey, sequence: int) -> None:
        public = bytes(key.verify_key)
        signature = key.sign(enrolment_text(token, public, sequence)).signature
        upstream.call(api.EnrolAgent, api.EnrolAgentRequest(
            enrolment_token=token, public_key=public, sequence=sequence, signature=signature
        ))  # fmt: skip

    ask(key, now)
    with pytest.raises(Refused) as same:
        ask(key, now)
    assert same.value.code == REFUSED
    ask(key, now + 1)
    with pytest.raises(Refused) as other:
        ask(SigningKey.generate(), now + 2)
    assert other.value.code == REFUSED


@pytest.mark.parametrize("seed", ["z" * 64, "ab" * 31, "", "\u0663" * 64])
def test_a_damaged_draft_is_replaced(tmp_path: Path, seed: str) -> None:
    """An attempt begins anew with another key; the next one with the same token goes on with it."""
    state, draft = State(tmp_path / "agent"), tmp_path / "agent" / "enrolling.key"
    draft.write_text(f"hash {seed}")
    draft.chmod(0o600)
    key = state.begin_enrolling("hash")
    assert bytes(state.begin_enrolling("hash")) == bytes(key)


def test_enrolling_again_ends_the_former_agent(server: Server, tmp_path: Path) -> None:
    """The former agent gets nothing more, and forgets what it held; the new one serves."""
    made = hosts.host(server, "again")
    former = hosts.enrolled(made, tmp_path / "former")
    former.holding.refresh()
    assert former.holding.credentials() is not None
    new = hosts.enrolled(made, tmp_path / "new")
    former.holding.refresh()
    assert former.holding.credentials() is None
    assert former.state.held() is None
    assert "another one enrolled" in former.told[-1]
    new.holding.refresh()
    assert new.holding.credentials() is not None


def test_a_later_token_replaces_the_one_before(server: Server, tmp_path: Path) -> None:
    made = hosts.host(server, "replaced")
    before, token = made.token(), made.token()
    with pytest.raises(Failure, match="refuses to enrol"):
        enrol_at(server, tmp_path / "before", before)
    enrol_at(server, tmp_path / "agent", token)


@pytest.mark.parametrize("change", ["another profile", "another role in it", "nothing"])
def test_a_token_is_for_the_role_that_was_asked_about(
    server: Server, tmp_path: Path, change: str
) -> None:
    """Who may pass one role gets no agent to an instance that has another one by then."""
    end = change.replace(" ", "-")
    made, name = hosts.host(server, f"weak-{end}"), f"strong-{end}"
    made.iam.create_role(RoleName=name, AssumeRolePolicyDocument=hosts.TRUST)
    made.iam.create_instance_profile(InstanceProfileName=name)
    made.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    token = made.token()
    if change == "another profile":
        made.ec2.replace_iam_instance_profile_association(
            AssociationId=made.association, IamInstanceProfile={"Name": name}
        )
    if change == "another role in it":
        profile = {"InstanceProfileName": made.name}
        made.iam.remove_role_from_instance_profile(**profile, RoleName=made.name)
        made.iam.add_role_to_instance_profile(**profile, RoleName=name)
    state, upstream = State(tmp_path / "agent"), Upstream(server.endpoint)
    if change == "nothing":
        assert enrol(state, upstream, "", token, Time().now).instance_id == made.instance_id
        return
    with pytest.raises(Failure, match="refuses to enrol"):
        enrol(state, upstream, "", token, Time().now)
    token = made.token()  # of somebody who may pass the other role, too
    assert enrol(state, upstream, "", token, Time().now).instance_id == made.instance_id


def test_who_may_mint(server: Server) -> None:
    """Both are asked: the action on the instance, and iam:PassRole on the role of its profile."""
    made = hosts.host(server, "minted")
    mint: dict[str, Any] = {
        "Effect": "Allow", "Action": "keystead-instances:CreateEnrolmentToken",
        "Resource": f"arn:aws:ec2:*:*:instance/{made.instance_id}",
    }  # fmt: skip
    to_pass: dict[str, Any] = {
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/minted",
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    }  # fmt: skip
    for name, statements, allowed in (
        ("mints-alone", (mint,), False),
        ("passes-alone", (to_pass,), False),
        ("mints", (mint, to_pass), True),
        ("mints-others", ({**mint, "Resource": "arn:aws:ec2:*:*:instance/i-0"}, to_pass), False),
    ):
        who = create_user(server, name, *statements)
        keys = {"AWS_ACCESS_KEY_ID": who.access_key_id, "AWS_SECRET_ACCESS_KEY": who.secret}
        ran = hosts.instance_token(server, made.instance_id, **keys)
        assert (ran.returncode == 0) is allowed, ran.stderr
        assert allowed or "not authorized" in ran.stderr
    made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)
    ran = hosts.instance_token(server, made.instance_id)
    assert (ran.returncode, "no instance profile with a role" in ran.stderr) == (1, True)
    ran = hosts.instance_token(server, "i-00000000000000000")
    assert (ran.returncode, "not registered" in ran.stderr) == (1, True)


def test_a_profile_mints(server: Server, tmp_path: Path) -> None:
    """The files of the first start are enough, as for the AWS CLI; others' eyes are refused."""
    made = hosts.host(server, "minted-by-profile")
    keys = tmp_path / "credentials"
    keys.write_bytes((server.data / "aws" / "credentials").read_bytes())
    settings = tmp_path / "config"
    settings.write_text(f"[profile admin]\nregion = {SERVED}\nendpoint_url = {server.endpoint}\n")
    files = {
        "AWS_SHARED_CREDENTIALS_FILE": str(keys), "AWS_CONFIG_FILE": str(settings),
        "PATH": os.environ["PATH"],
    }  # fmt: skip

    def mint(**environment: str) -> tuple[int, str]:
        ran = subprocess.run(
            [BIN / "keystead", "instance", "enrolment-token", made.instance_id],
            capture_output=True, text=True, check=False, timeout=60, env={**files, **environment},
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    keys.chmod(0o600)
    status, told = mint(AWS_PROFILE="admin")
    assert (status, told[:4]) == (0, "ka1_")
    assert "no credentials to sign with" in mint(AWS_PROFILE="nobody")[1]
    assert "no credentials to sign with" in mint()[1]
    keys.chmod(0o644)
    assert "accessible to others" in mint(AWS_PROFILE="admin")[1]
    settings.write_text("no section")
    keys.chmod(0o600)
    assert "no file of profiles" in mint(AWS_PROFILE="admin")[1]


def test_the_token_is_no_secret_of_ours(server: Server) -> None:
    """Neither the log nor the database has it; the record says who minted it."""
    token = hosts.host(server, "hashed").token()
    secret = token.split("_", 3)[3].encode()  # which may have this sign itself
    for file in server.data.rglob("*"):
        if file.is_file():
            assert secret not in file.read_bytes(), file
    shown = server.keystead("audit", "show", "--json", "--last", "20")
    [minted] = [
        each for line in shown.stdout.splitlines()
        if (each := json.loads(line))["eventName"] == "CreateEnrolmentToken"
        and token.split("_")[2] in line
    ]  # fmt: skip
    assert minted["userIdentity"]["userName"] == "admin"


# with a clock of the test's


@pytest.fixture
def local(tmp_path: Path) -> Any:
    opened = open_local(tmp_path / "data")
    yield opened
    opened.installation.close()


class Enrolled:
    """An instance of an installation in this process, and the key of its agent."""

    def __init__(self, local: Local) -> None:
        self.local, self.account = local, local.founded.account_id
        self.instance_id = "i-0123456789abcdef0"
        trust = {"RoleName": "web", "AssumeRolePolicyDocument": hosts.TRUST}
        assert local.iam("CreateRole", **trust).status == 200
        assert local.iam("CreateInstanceProfile", InstanceProfileName="web").status == 200
        held = {"InstanceProfileName": "web", "RoleName": "web"}
        assert local.iam("AddRoleToInstanceProfile", **held).status == 200
        instance = Instance(
            account=self.account, instance_id=self.instance_id, region=REGION, zone="z",
            instance_type="", image_id="", private_ip="", vpc_id="", endpoint="enabled",
            hop_limit=1, options_version=0, document="{}", signature="", pkcs7="", registered=0,
        )  # fmt: skip
        here = local.installation
        with here.store.write() as transaction:
            here.identities.instances.add(transaction, instance)
        sdk.call(local, "ec2", "AssociateIamInstanceProfile", who=local.admin,
                 IamInstanceProfile={"Name": "web"}, InstanceId=self.instance_id)  # fmt: skip
        self.key = SigningKey.generate()

    def mint(self) -> str:
        given = sdk.call(
            self.local, OPERATION, "CreateEnrolmentToken", who=self.local.admin,
            InstanceId=self.instance_id,
        )  # fmt: skip
        return str(given["EnrolmentToken"])

    def now(self) -> int:
        return microseconds(self.local.time.wall())

    def send(self, operation: str, request: Any) -> Any:
        members = msgspec.to_builtins(request)
        asked = self.local.json_request(OPERATION, operation, Credentials("", ""), **members)
        headers = {k: v for k, v in asked.headers.items() if k != "authorization"}
        return self.local.send(msgspec.structs.replace(asked, headers=headers))

    def enrol(self, token: str, **changed: Any) -> Any:
        public, sequence = bytes(self.key.verify_key), self.now()
        text = enrolment_text(token, public, sequence)
        request = api.EnrolAgentRequest(
            enrolment_token=token, public_key=public, sequence=sequence,
            signature=self.key.sign(text).signature,
        )  # fmt: skip
        return self.send("EnrolAgent", msgspec.structs.replace(request, **changed))

    def request(self, **changed: Any) -> api.GetInstanceCredentialsRequest:
        request = msgspec.structs.replace(
            api.GetInstanceCredentialsRequest(
                account_id=self.account, instance_id=self.instance_id, sequence=self.now(),
                signature=b"",
            ),
            **changed,
        )  # fmt: skip
        signature = self.key.sign(credentials_text(request)).signature
        return msgspec.structs.replace(request, signature=signature)

    def ask(self, request: api.GetInstanceCredentialsRequest) -> Any:
        return self.send("GetInstanceCredentials", request)


def test_fifteen_minutes(local: Local) -> None:
    """A token of 15 minutes is too old; one a second younger enrols."""
    one = Enrolled(local)
    token = one.mint()
    local.time.passes(timedelta(minutes=15))
    assert one.enrol(token).json["__type"].endswith(REFUSED)
    token = one.mint()
    local.time.passes(timedelta(minutes=14, seconds=59))
    assert one.enrol(token).status == 200


@pytest.mark.parametrize("other", ["public_key", "signature", "sequence", "enrolment_token"])
def test_every_part_of_an_enrolment_is_signed(local: Local, other: str) -> None:
    """Another key, token, sequence or signature is refused, and the token is not spent."""
    one = Enrolled(local)
    token = one.mint()
    changed = {
        "public_key": bytes(SigningKey.generate().verify_key), "signature": bytes(64),
        "sequence": one.now() + 1_000_000,
        "enrolment_token": token[:-1] + next(each for each in "AB" if each != token[-1]),
    }[other]  # fmt: skip
    assert one.enrol(token, **{other: changed}).json["__type"].endswith(REFUSED)
    assert one.enrol(token).status == 200


def test_nothing_is_taken_twice(local: Local) -> None:
    """A request that was taken, and an earlier one that came late, are refused; a later one not."""
    one = Enrolled(local)
    assert one.enrol(one.mint()).status == 200
    local.time.passes(timedelta(seconds=1))
    earlier = one.request()
    local.time.passes(timedelta(seconds=1))
    request = one.request()
    assert one.ask(request).json["Credentials"]["AccessKeyId"].startswith("ASIA")
    for stale in (request, earlier):
        assert one.ask(stale).json["__type"].endswith("StaleRequestException")
    local.time.passes(timedelta(seconds=1))
    assert one.ask(one.request()).status == 200


@pytest.mark.parametrize(
    "changed",
    [{"known": "x"}, {"renew": True}, {"duration_seconds": 900}, {"sequence": 1},
     {"signature": bytes(64)}, {"instance_id": "i-0123456789abcdef1"},
     {"account_id": "999999999999"}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_every_part_of_a_request_is_signed(local: Local, changed: dict[str, Any]) -> None:
    """One changed member is refused; the same request unchanged is taken."""
    one = Enrolled(local)
    assert one.enrol(one.mint()).status == 200
    local.time.passes(timedelta(seconds=1))
    request = one.request()
    answer = one.ask(msgspec.structs.replace(request, **changed))
    assert answer.json["__type"].endswith(REFUSED)
    assert one.ask(request).status == 200


def test_the_clock_of_the_agent(local: Local) -> None:
    """Five minutes of difference are too many, and only the agent itself hears the time."""
    one = Enrolled(local)
    assert one.enrol(one.mint()).status == 200
    for minutes in (-6, 6):
        wrong = one.request(sequence=one.now() + minutes * 60_000_000)
        answer = one.ask(wrong)
        assert answer.json["__type"].endswith("StaleRequestException")
        assert "server's time is" in answer.json["message"]
        forged = msgspec.structs.replace(wrong, signature=bytes(64))
        assert one.ask(forged).json["__type"].endswith(REFUSED)
    local.time.passes(timedelta(seconds=1))
    assert one.ask(one.request()).status == 200


def test_an_account_that_was_suspended_gives_others(local: Local) -> None:
    """Those of before are over when it is open again; the next question gets new ones."""
    one = Enrolled(local)
    assert one.enrol(one.mint()).status == 200
    local.time.passes(timedelta(seconds=1))
    given = one.ask(one.request()).json
    for verb in ("suspend", "reopen"):
        perform(local.installation, f"account {verb}", {"account_id": local.founded.account_id})
        local.time.passes(timedelta(seconds=1))

    again = one.ask(one.request(known=given["Revision"])).json

    assert again["Revision"] != given["Revision"]
    for answer, status in ((given, 403), (again, 200)):
        held = answer["Credentials"]
        who = Credentials(held["AccessKeyId"], held["SecretAccessKey"], held["Token"])
        assert local.sts("GetCallerIdentity", who).status == status
    local.time.passes(timedelta(seconds=1))
    assert "Credentials" not in one.ask(one.request(known=again["Revision"])).json


def test_credentials_live_as_long_as_asked(local: Local) -> None:
    """At most six hours, and then they are over; an agent that knows the newest gets no others."""
    one = Enrolled(local)
    assert one.enrol(one.mint()).status == 200
    local.time.passes(timedelta(seconds=1))
    given = one.ask(one.request(duration_seconds=900)).json
    local.time.passes(timedelta(seconds=1))
    known = one.ask(one.request(known=given["Revision"])).json
    assert "Credentials" not in known
    held = given["Credentials"]
    assert held["Expiration"] - held["Issued"] == 900
    who = Credentials(held["AccessKeyId"], held["SecretAccessKey"], held["Token"])
    assert local.sts("GetCallerIdentity", who).status == 200
    local.time.passes(timedelta(seconds=900))
    over = local.sts("GetCallerIdentity", who)
    assert (over.status, b"ExpiredToken" in over.body) == (403, True)
