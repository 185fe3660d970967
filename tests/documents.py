"""Documents of about 32 KB, each of the form that takes most when compiled; no two are the same."""

import json
from collections.abc import Callable, Mapping
from typing import Any

ROOT = "arn:aws:iam::{}:root"


def document(*statements: Mapping[str, Any]) -> str:
    """The text, without white space."""
    members = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(members, separators=(",", ":"))


def _allow(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:*", "Resource": "*", **members}


def _actions(number: int) -> str:
    return document(_allow(Action=[f"kms:{number:05}{i:04}" for i in range(1_900)]))


def _wild_actions(number: int) -> str:
    return document(_allow(Action=[f"kms:*{number:05}*{i:04}" for i in range(1_700)]))


def _resources(number: int) -> str:
    keys = "arn:aws:kms:eu-central-1:111122223333:key"
    return document(_allow(Resource=[f"{keys}/{number}-{i}*" for i in range(600)]))


def _conditions(number: int) -> str:
    like = {f"kms:EncryptionContext:{number}-{i}": f"a{i}-*" for i in range(500)}
    equals = {f"aws:PrincipalTag/{number}-{i}": f"v{i}" for i in range(250)}
    return document(_allow(Condition={"StringLike": like, "StringEquals": equals}))


def _statements(number: int) -> str:
    secure = {"Bool": {"aws:SecureTransport": "true"}}
    return document(
        *(
            _allow(
                Sid=f"S{number}x{i}", Action=["kms:Encrypt", "kms:Dec*"],
                Resource=f"arn:aws:kms:*:*:key/{number}{i}", Condition=secure,
            )
            for i in range(120)
        )
    )  # fmt: skip


def _variables(number: int) -> str:
    names = [f"{number}-{i}-${{aws:userid}}" for i in range(1_100)]
    return document(_allow(Condition={"StringEquals": {"aws:username": names}}))


LARGE: Mapping[str, Callable[[int], str]] = {
    "actions": _actions,
    "wild actions": _wild_actions,
    "resources": _resources,
    "conditions": _conditions,
    "statements": _statements,
    "variables": _variables,
}
"""The document with this number, of each form."""


def key_policy(account: str, text: str) -> str:
    """The same as a key policy that leaves the account in charge."""
    members = json.loads(text)
    root = {"AWS": ROOT.format(account)}
    for statement in members["Statement"]:
        statement["Principal"] = root
    first = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return document(first, *members["Statement"])
