"""`keystead explain` tells what the server would decide, and why, to the condition."""

import json
from typing import Any

import pytest

from tests.conftest import Server, create_user, refused

CONTEXT = "kms:EncryptionContext:app"


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return str(server.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def user(server: Server, key: str) -> Any:
    """A user who may use the key under one encryption context."""
    return create_user(
        server, "explained",
        {
            "Sid": "orders", "Effect": "Allow", "Action": "kms:Encrypt", "Resource": key,
            "Condition": {"StringEquals": {CONTEXT: "orders"}},
        },
    )  # fmt: skip


def ask(server: Server, key: str, *more: str) -> "tuple[int, str]":
    """The exit status and the output of one question about the user and the key."""
    arn = server.client("iam").get_user(UserName="explained")["User"]["Arn"]
    ran = server.keystead(
        "explain", "--principal", arn, "--action", "kms:Encrypt", "--resource", key, *more
    )
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stdout or ran.stderr


def test_allowed_as_the_server_allows(server: Server, key: str, user: Any) -> None:
    """Under the context that the policy names, both say yes."""
    server.client("kms", user).encrypt(
        KeyId=key, Plaintext=b"x", EncryptionContext={"app": "orders"}
    )
    status, text = ask(server, key, "--context", f"{CONTEXT}=orders")
    assert status == 0
    assert "Allowed" in text or "allowed" in text
    assert "orders" in text


def test_refused_as_the_server_refuses(server: Server, key: str, user: Any) -> None:
    """Under another context both say no, in the same words, and the condition is shown."""
    with refused("AccessDeniedException"):
        server.client("kms", user).encrypt(
            KeyId=key, Plaintext=b"x", EncryptionContext={"app": "payroll"}
        )
    status, text = ask(server, key, "--context", f"{CONTEXT}=payroll", "--json")
    answer = json.loads(text)
    assert status == 1
    assert answer["decision"] == "ImplicitlyDenied"
    assert answer["message"].endswith(
        "because no identity-based policy allows the kms:Encrypt action"
    )
    assert answer["explanation"]["changes"]

    status, text = ask(server, key, "--context", f"{CONTEXT}=payroll")
    assert status == 1
    assert "payroll" in text
    assert "orders" in text


def test_who_and_what_must_exist(server: Server, key: str, user: Any) -> None:
    """A principal or key that is not there is named, and nothing is explained."""
    status, text = ask(server, key[:-12] + "0" * 12)
    assert status == 1
    assert "there is no key" in text
    ran = server.keystead(
        "explain", "--principal", "arn:aws:iam::111122223333:user/nobody",
        "--action", "kms:Encrypt", "--resource", key,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "there is no principal" in ran.stderr
    assert ask(server, key, "--context", "nothing")[0] == 2


def test_a_multi_valued_key_is_one_with_one_value(server: Server, key: str) -> None:
    """`kms:EncryptionContextKeys` needs a set operator also when it is given one value."""
    keys = "kms:EncryptionContextKeys"
    for name, operator, expected in (
        ("set", "ForAnyValue:StringEquals", 0),
        ("plain", "StringEquals", 1),
    ):
        create_user(
            server, f"explained-{name}",
            {
                "Effect": "Allow", "Action": "kms:Encrypt", "Resource": key,
                "Condition": {operator: {keys: "app"}},
            },
        )  # fmt: skip
        arn = server.client("iam").get_user(UserName=f"explained-{name}")["User"]["Arn"]
        ran = server.keystead(
            "explain", "--principal", arn, "--action", "kms:Encrypt", "--resource", key,
            "--context", f"{keys}=app",
        )  # fmt: skip
        assert ran.returncode == expected, ran.stdout + ran.stderr
