"""What `keystead explain` proposes is made through the API: the call succeeds, and only it."""

import itertools
import json
from typing import Any

import pytest

from keystead.server.installation import control
from tests.conftest import Credentials, Server, create_user, policy, refused

CONTEXT = "kms:EncryptionContext:app"
ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:PutKeyPolicy", "kms:CreateGrant")
FULL = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}

Json = dict[str, Any]
_numbers = itertools.count()


def when(**keys: str) -> Json:
    return {"Condition": {"StringEquals": {CONTEXT: keys["app"]}}}


class Story:
    """A user who may not encrypt with a key, somebody who may do anything, and another key."""

    def __init__(self, server: Server, root: Credentials | None = None) -> None:
        self.server = server
        self.kms, self.iam = server.client("kms"), server.client("iam", root)
        self.name = f"asks-{next(_numbers)}"
        self.key, self.other = (str(self.kms.create_key()["KeyMetadata"]["Arn"]) for _ in range(2))
        self.iam.create_user(UserName=self.name)
        access = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        self.user = Credentials(access["AccessKeyId"], access["SecretAccessKey"])
        self.arn = str(self.iam.get_user(UserName=self.name)["User"]["Arn"])
        self.bystander = f"{self.name}-not"
        create_user(server, self.bystander, FULL)
        self.account = self.arn.split(":")[4]

    # how it is

    def has(self, *statements: Json) -> None:
        """An inline policy of the user."""
        self.iam.put_user_policy(
            UserName=self.name, PolicyName="own", PolicyDocument=policy(*statements)
        )

    def managed(self, *statements: Json) -> str:
        made = self.iam.create_policy(
            PolicyName=f"shared-{next(_numbers)}", PolicyDocument=policy(*statements)
        )
        return str(made["Policy"]["Arn"])

    def closed(self, *more: Json) -> None:
        """A key policy that names an administrator, with everything."""
        admin = self.server.client("sts").get_caller_identity()["Arn"]
        self._put_key_policy([{**FULL, "Sid": "admin", "Principal": {"AWS": admin}}, *more])

    def explain(self, **context: list[str]) -> Json:
        arguments = {"principal": self.arn, "action": "kms:Encrypt", "resource": self.key}
        answer = control.ask(self.server.data, "explain", {**arguments, "context": context})
        assert answer is not None
        return answer

    def allowed(self) -> set[tuple[str, str, str]]:
        """Who may do what to which key, as it would be decided."""
        own = self.key.split(":")[4]
        bystander = f"arn:aws:iam::{own}:user/{self.bystander}"
        asked = list(itertools.product((self.arn, bystander), ACTIONS, (self.key, self.other)))
        questions = [
            {"principal": who, "action": action, "resource": key, "context": {}}
            for who, action, key in asked
        ]
        answer = control.ask(self.server.data, "simulate", {"questions": questions})
        assert answer is not None
        decided = [one["decision"] for one in answer["answers"]]
        return {one for one, decision in zip(asked, decided, strict=True) if decision == "Allowed"}

    def encrypt(self, **context: str) -> None:
        self.server.client("kms", self.user).encrypt(
            KeyId=self.key, Plaintext=b"x", EncryptionContext=context
        )

    # what is proposed

    def make(self, change: Json) -> None:
        """What somebody does who follows the proposal."""
        statement = change["statement"]
        match change["kind"], change["what"]:
            case "resource-based policy", "add a statement":
                self._put_key_policy([*self._key_policy(), statement])
            case "resource-based policy", "widen the statement":
                written = self._key_policy()
                written[change["index"]] = statement
                self._put_key_policy(written)
            case "identity-based policy", "add a statement":
                found = self._inline(change["policy"]) if change["policy"] else []
                self._put(change["policy"] or "new", [*found, statement])
            case "identity-based policy", "widen the statement":
                found = self._inline(change["policy"])
                found[change["index"]] = statement
                self._put(change["policy"], found)
            case "permissions boundary", "add a statement":
                document = policy(*self._document(change["policy"]), statement)
                self.iam.create_policy_version(
                    PolicyArn=change["policy"], PolicyDocument=document, SetAsDefault=True
                )
            case "permissions boundary", "use a copy with one more statement":
                copy = self.managed(*self._document(change["policy"]), statement)
                self.iam.put_user_permissions_boundary(UserName=self.name, PermissionsBoundary=copy)
            case other:
                pytest.fail(f"nobody can make {other}")

    def _key_policy(self) -> list[Json]:
        text = self.kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"]
        return list(json.loads(text)["Statement"])

    def _put_key_policy(self, statements: list[Json]) -> None:
        self.kms.put_key_policy(
            KeyId=self.key, PolicyName="default", Policy=policy(*statements),
            BypassPolicyLockoutSafetyCheck=True,
        )  # fmt: skip

    def _inline(self, name: str) -> list[Json]:
        found = self.iam.get_user_policy(UserName=self.name, PolicyName=name)
        return list(found["PolicyDocument"]["Statement"])

    def _put(self, name: str, statements: list[Json]) -> None:
        self.iam.put_user_policy(
            UserName=self.name, PolicyName=name, PolicyDocument=policy(*statements)
        )

    def _document(self, arn: str) -> list[Json]:
        version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)
        statements = found["PolicyVersion"]["Document"]["Statement"]
        return list(statements) if isinstance(statements, list) else [statements]

    def follow(self) -> list[tuple[str, str]]:
        """Make each change that is proposed: just this call becomes allowed by them."""
        with refused("AccessDeniedException"):
            self.encrypt()
        before = self.allowed()
        changes = self.explain()["explanation"]["changes"]
        for change in changes:
            self.make(change)
        self.encrypt()
        assert self.allowed() - before == {(self.arn, "kms:Encrypt", self.key)}
        return [(one["what"], one["kind"]) for one in changes]


ADD, WIDEN = "add a statement", "widen the statement"
OWN, KEYS, BOUNDARY = "identity-based policy", "resource-based policy", "permissions boundary"


@pytest.fixture
def story(server: Server) -> Story:
    return Story(server)


def test_who_has_nothing_gets_a_policy(story: Story) -> None:
    """For this action and this key."""
    assert story.follow() == [(ADD, OWN)]


def test_what_the_account_gives_its_users_is_left_alone(story: Story) -> None:
    """That users may change their passwords is a setting: no statement can be added to it."""
    story.iam.update_account_password_policy(AllowUsersToChangePassword=True)
    try:
        assert story.follow() == [(ADD, OWN)]
    finally:
        story.iam.delete_account_password_policy()


def test_the_administrator_s_statement_is_left_alone(story: Story) -> None:
    """A refused Encrypt gives Encrypt, and not everything that an administrator has."""
    story.closed()
    assert story.follow() == [(ADD, KEYS)]


def test_an_own_statement_about_the_key_is_widened(story: Story) -> None:
    """It is about nothing else."""
    story.has({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": story.key})
    assert story.follow() == [(WIDEN, OWN)]


def test_an_own_statement_in_the_key_policy_is_widened(story: Story) -> None:
    """It names nobody else."""
    root = {"AWS": f"arn:aws:iam::{story.account}:root"}
    story.closed(
        {**FULL, "Action": ["kms:GetKeyPolicy", "kms:PutKeyPolicy"], "Principal": root},
        {**FULL, "Action": "kms:DescribeKey", "Principal": {"AWS": story.arn}},
    )
    assert story.follow() == [(WIDEN, KEYS)]


def test_an_own_statement_about_more_is_left_alone(story: Story) -> None:
    """One more action in it would give it for every key."""
    story.has({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"})
    assert story.follow() == [(ADD, OWN)]


def test_policies_of_others_are_left_alone(story: Story) -> None:
    """AWS's, which nobody can change, a managed one, and that of a group."""
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": story.key}
    attach = {"UserName": story.name}
    story.iam.attach_user_policy(**attach, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    story.iam.attach_user_policy(**attach, PolicyArn=story.managed(decrypt))
    group = f"group-{next(_numbers)}"
    story.iam.create_group(GroupName=group)
    story.iam.put_group_policy(GroupName=group, PolicyName="inline", PolicyDocument=policy(decrypt))
    story.iam.add_user_to_group(GroupName=group, UserName=story.name)
    assert story.follow() == [(ADD, OWN)]


def test_a_boundary_that_others_have(story: Story) -> None:
    """It is opened for this caller alone: a bystander with kms:* stays where she was."""
    shared = story.managed({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    for name in (story.name, story.bystander):
        story.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=shared)
    assert story.follow() == [(ADD, OWN), (ADD, BOUNDARY)]


def test_a_boundary_that_is_aws_s(story: Story) -> None:
    """Nobody can change it: a copy with one more statement takes its place."""
    story.has(FULL)
    story.iam.put_user_permissions_boundary(
        UserName=story.name, PermissionsBoundary="arn:aws:iam::aws:policy/IAMFullAccess"
    )
    assert story.follow() == [("use a copy with one more statement", BOUNDARY)]


def test_across_accounts(server: Server) -> None:
    """Both sides have to allow it, each no more than this."""
    made = control.ask(server.data, "account create", {})
    assert made is not None
    root = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    assert Story(server, root).follow() == [(ADD, KEYS), (ADD, OWN)]


def test_conditions_that_the_request_can_meet(story: Story) -> None:
    """No policy changes: the call succeeds under the context that the policy names."""
    story.has({**FULL, "Action": "kms:Encrypt", **when(app="orders")})
    before = story.allowed()
    [change] = story.explain()["explanation"]["changes"]
    assert change["what"] == "meet its conditions"
    assert [(one["key"], one["expected"]) for one in change["conditions"]] == [
        (CONTEXT, ["orders"])
    ]
    story.encrypt(app="orders")
    assert story.allowed() == before


def test_a_deny_that_the_request_can_avoid(story: Story) -> None:
    """It is not to be removed: the call succeeds under another context."""
    story.has(FULL, {**FULL, "Effect": "Deny", "Sid": "stale", **when(app="stale")})
    with refused("AccessDeniedException"):
        story.encrypt(app="stale")
    [change] = story.explain(**{CONTEXT: ["stale"]})["explanation"]["changes"]
    assert (change["what"], change["sid"]) == ("let one of its conditions fail", "stale")
    story.encrypt(app="fresh")


def test_a_deny_that_nothing_avoids(story: Story) -> None:
    """There is no smallest change, and the text says who has to decide."""
    story.has(FULL, {**FULL, "Effect": "Deny", "Sid": "never"})
    answer = story.explain()
    assert answer["explanation"]["changes"] == []
    told = answer["text"].partition("to allow it\n")[2]
    assert "the owner of each statement that denies it has to decide" in told
    assert f"statement 2 `never` of the identity-based policy own of {story.arn}" in told
    assert "remove" not in told
