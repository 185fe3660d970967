"""What an ARN means in a question is what a request of that action would be asked about."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Credentials, Server, create_user, policy, refused
from tests.inquiry.test_simulate import (
    ACCOUNT,
    ALICE,
    ENCRYPT,
    KEY,
    KEY_ID,
    Folder,
    delegating,
    expectation,
    folder,
    when,
)

__all__ = ["folder"]

ALIAS = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/orders"
BY_ALIAS = when("StringEquals", "kms:RequestAlias", "alias/asked")


class Asked:
    """A key with an alias, and a user who may encrypt when she names the key by it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.kms = server.client("kms")
        self.key = str(self.kms.create_key()["KeyMetadata"]["Arn"])
        self.kms.create_alias(AliasName="alias/asked", TargetKeyId=self.key)
        self.alias = self.key.partition("key/")[0] + "alias/asked"
        self.user: Credentials = create_user(
            server, "by-alias", {**ENCRYPT, "Sid": "byAlias", **BY_ALIAS}
        )
        self.arn = str(server.client("iam").get_user(UserName="by-alias")["User"]["Arn"])

    def explain(self, resource: str, action: str = "kms:Encrypt") -> tuple[int, str]:
        ran = self.server.keystead(
            "explain", "--principal", self.arn, "--action", action, "--resource", resource
        )
        return ran.returncode, ran.stdout or ran.stderr

    def can(self, resource: str) -> Any:
        """What who-can says of the user."""
        ran = self.server.keystead("who-can", "kms:Encrypt", resource, "--json")
        found = json.loads(ran.stdout)["principals"]
        return next((one for one in found if one["principal"] == self.arn), None)

    def holds(self, tmp_path: Path, resource: str, expect: str) -> bool:
        """Does simulate agree?"""
        file = tmp_path / "expectations.json"
        more = {"principal": self.arn, "resource": resource, "expect": expect}
        file.write_text(json.dumps([expectation(**more)]))
        return self.server.keystead("simulate", str(file)).returncode == 0


@pytest.fixture(scope="module")
def asked(server: Server) -> Asked:
    return Asked(server)


def test_an_alias_is_the_key_behind_it(asked: Asked, tmp_path: Path) -> None:
    """By the alias the call is allowed, and so say explain, who-can and simulate."""
    encrypt = asked.server.client("kms", asked.user).encrypt
    encrypt(KeyId=asked.alias, Plaintext=b"x")
    status, text = asked.explain(asked.alias)
    assert status == 0
    assert f"resource    {asked.key}" in text
    assert asked.can(asked.alias)["verdict"] == "can"
    assert asked.holds(tmp_path, asked.alias, "Allowed")

    with refused("AccessDeniedException"):
        encrypt(KeyId=asked.key, Plaintext=b"x")
    assert asked.explain(asked.key)[0] == 1
    assert asked.can(asked.key)["verdict"] == "can under conditions"
    assert asked.holds(tmp_path, asked.key, "ImplicitlyDenied")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("kms:ScheduleKeyDeletion", "cannot name a key by its alias"),
        ("kms:DeleteAlias", "ImplicitlyDenied"),
    ],
)
def test_an_alias_is_itself_where_it_is_changed(asked: Asked, action: str, said: str) -> None:
    """DeleteAlias is about the alias; what takes no alias at all is told so, with the key's ARN."""
    status, text = asked.explain(asked.alias, action)
    assert status != 0
    assert said in text
    assert asked.alias in text or asked.key in text


def test_an_alias_that_names_nothing(asked: Asked) -> None:
    """It is an error, and not a refusal; an alias that is to be made need not be there."""
    nothing = f"{asked.alias}-not"
    text = asked.explain(nothing)[1]
    assert f"there is no alias `{nothing}`" in text
    assert "ImplicitlyDenied" not in text
    assert "ImplicitlyDenied" in asked.explain(nothing, "kms:CreateAlias")[1]


def test_a_refusal_by_alias_today(server: Server) -> None:
    """A call by alias that was refused is allowed today once the policy says so of the alias."""
    kms, iam = server.client("kms"), server.client("iam")
    kms.create_alias(AliasName="alias/today", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    who = create_user(server, "today")
    with pytest.raises(ClientError) as caught:
        server.client("kms", who).encrypt(KeyId="alias/today", Plaintext=b"x")
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]

    def today() -> str:
        return str(json.loads(server.keystead("explain", request_id, "--json").stdout)["today"])

    assert today() == "ImplicitlyDenied"
    allowed = {**ENCRYPT, **when("StringEquals", "kms:RequestAlias", "alias/today")}
    iam.put_user_policy(UserName="today", PolicyName="own", PolicyDocument=policy(allowed))
    assert today() == "Allowed"


def test_tags_of_users_are_known(server: Server, tmp_path: Path) -> None:
    """A policy on the tag of a user, and on AWS's own policies, decides as it does for the call."""
    iam = server.client("iam")
    iam.create_user(UserName="tagged", Tags=[{"Key": "team", "Value": "red"}])
    tagged = iam.get_user(UserName="tagged")["User"]["Arn"]
    who = create_user(
        server, "tagging",
        {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*",
         **when("StringEquals", "iam:ResourceTag/team", "red")},
        {"Effect": "Allow", "Action": "iam:GetPolicy", "Resource": "*"},
    )  # fmt: skip
    arn = iam.get_user(UserName="tagging")["User"]["Arn"]
    server.client("iam", who).get_user(UserName="tagged")
    with refused("AccessDenied"):
        server.client("iam", who).get_user(UserName="tagging")
    aws = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    server.client("iam", who).get_policy(PolicyArn=aws)

    def explained(action: str, resource: str) -> int:
        asking = ("--principal", arn, "--action", action, "--resource", resource)
        return server.keystead("explain", *asking).returncode

    assert explained("iam:GetUser", tagged) == 0
    assert explained("iam:GetUser", arn) == 1
    assert explained("iam:GetPolicy", aws) == 0


# In a folder


def test_an_alias_in_a_folder(folder: Folder) -> None:
    """It is the key that has it in KEY-ID.toml, with kms:RequestAlias."""
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.toml", 'aliases = ["alias/orders"]')
    named = when("StringEquals", "kms:RequestAlias", "alias/orders")
    folder.write(f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, **named}))
    assert folder.decided(resource=ALIAS) == "Allowed"
    assert folder.decided(resource=KEY) == "ImplicitlyDenied"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"resource": f"{ALIAS}-not"}, f"there is no alias `{ALIAS}-not`"),
        ({"resource": ALIAS.replace("us-east-1", "eu-west-1")}, "there is no alias"),
        ({"resource": ALIAS, "action": "kms:DeleteAlias"}, ""),
        ({"resource": f"{ALIAS}-not", "action": "kms:CreateAlias"}, ""),
        ({"resource": ALIAS, "action": "kms:DisableKey"}, "cannot name a key by its alias"),
    ],
)
def test_an_alias_that_no_key_has(folder: Folder, more: dict[str, Any], words: str) -> None:
    """A "may not" about it would hold for a typing error: it is an error instead."""
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.toml", 'aliases = ["alias/orders"]')
    folder.expect(expectation(**more, expect="Denied"))
    if words:
        folder.wrong(words)
    else:
        assert folder.run().returncode == 0


def test_two_keys_with_one_alias(folder: Folder) -> None:
    """The folder is wrong: one of them would be tested in the place of the other."""
    folder.expect(expectation())
    folder.write(f"{ACCOUNT}/keys/other.json", policy(delegating()))
    for name in (KEY_ID, "other"):
        folder.write(f"{ACCOUNT}/keys/{name}.toml", 'aliases = ["alias/orders"]')
    folder.wrong("other.toml", "the alias `alias/orders` belongs to another key")
    folder.write(f"{ACCOUNT}/keys/other.toml", 'aliases = ["alias/orders"]\nregion = "eu-west-1"')
    assert folder.run().returncode == 0


def test_tags_in_a_folder(folder: Folder) -> None:
    """A user's tags are condition keys of what is asked about her."""
    rule = {**ENCRYPT, "Action": "iam:GetUser", **when("StringEquals", "aws:ResourceTag/a", "b")}
    folder.write(f"{ACCOUNT}/users/alice/own.json", policy(rule))
    asked = {"action": "iam:GetUser", "resource": ALICE}
    assert folder.decided(**asked) == "ImplicitlyDenied"
    folder.write(f"{ACCOUNT}/users/alice/user.toml", 'tags = {a = "b"}')
    assert folder.decided(**asked) == "Allowed"
