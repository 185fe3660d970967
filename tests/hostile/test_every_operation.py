"""Bad input for every operation that we serve: AWS's error, no change, one record, never a 5xx."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

import keystead.identity.analyzer
import keystead.identity.anywhere
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.registry import implemented
from keystead.server.installation import control
from tests.condition_keys import FOR_SERVICES
from tests.conftest import Server
from tests.models import service_model
from tests.raw import TARGETS, Answer, Wire

# The operations register themselves when their modules are imported.
REGISTERED = (
    keystead.identity.analyzer,
    keystead.identity.anywhere,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)
SERVED = [
    called
    for each in implemented()
    if (called := (each.operation.service.name, each.operation.name)) not in FOR_SERVICES
]
NAMES = {"kms": "kms", "iam": "iam", "sts": "sts", "access-analyzer": "accessanalyzer",
         "organizations": "organizations", "cloudtrail": "cloudtrail", "ec2": "ec2",
         "keystead-instances": "keystead-instances", "rolesanywhere": "rolesanywhere"}  # fmt: skip
MODELS = {service: service_model(name) for service, name in NAMES.items()}
REST = ("access-analyzer", "rolesanywhere")
NOBODY = "00000000-0000-4000-8000-000000000000"  # the id of nothing
# These take no input at all, so that nothing about it can be wrong.
OPEN = {"GetCallerIdentity"}


@pytest.fixture(scope="module")
def wire(server: Server) -> Wire:
    return Wire(server)


def snapshot(server: Server) -> dict[str, Any]:
    """What a caller can see of the installation's state."""
    iam, kms = server.client("iam"), server.client("kms")
    return {
        "users": [p["Users"] for p in iam.get_paginator("list_users").paginate()],
        "groups": iam.list_groups()["Groups"],
        "roles": iam.list_roles()["Roles"],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "aliases": kms.list_aliases()["Aliases"],
        "keys": [
            kms.describe_key(KeyId=k["KeyId"])["KeyMetadata"]
            for page in kms.get_paginator("list_keys").paginate()
            for k in page["Keys"]
        ],
        "account": iam.list_account_aliases()["AccountAliases"],
    }


def hostile_json(shape: Any) -> Iterator[bytes]:
    """Bodies that no honest client sends."""
    yield from (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}", b"{}trailing", b'{"a":NaN}')
    yield b'{"x":' + b"[" * 200 + b"]" * 200 + b"}"
    yield b'{"KeyId":"a","KeyId":"b"}'
    yield b'{"UnknownMember":1,"Policy":7}'
    for name, member in (shape.members if shape else {}).items():
        for value in hostile_values(member.type_name):
            yield json.dumps({name: value}).encode()


def hostile_values(kind: str) -> list[Any]:
    """Values of the wrong type, length or alphabet for a member."""
    values: dict[str, list[Any]] = {
        "string": [
            7,
            True,
            [],
            {},
            "",
            "x" * 140_000,
            "\u0000",
            "\ud83d\ude00\u202e",
            "../..",
            "*",
        ],
        "blob": [7, "not base64!", "QQ", "QUI=\n", "", "QUJD" * 5_000],
        "integer": ["7", 1.5, 2**70, -(2**63), -1, True, []],
        "boolean": ["true", 1, 0, []],
        "list": ["x", {}, [None], [[]], ["x"] * 5_000, 7],
        "map": ["x", [], {"k": 1}, {"k": None}, {"": ""}, {str(i): "v" for i in range(5_000)}],
        "structure": ["x", [], {"Unknown": 1}, 7],
        "timestamp": ["yesterday", 1e300, -1e300, []],
        "long": ["7", 2**70],
    }
    return values.get(kind, [[], {}, 7, "x"])


def hostile_form(shape: Any) -> Iterator[list[tuple[str, str]]]:
    """Parameters that no honest client sends."""
    yield []
    yield [("Unknown.member.1", "x")]
    yield [("UserName", "a"), ("username", "b")]
    yield [(f"Tags.member.{i}.Key", "k") for i in range(1, 60)]
    for name, member in (shape.members if shape else {}).items():
        for text in (
            "",
            "x" * 140_000,
            "\u0000",
            "\u202e\U0001f600",
            "../..",
            "a b",
            "%",
            "-1",
            "9" * 30,
        ):
            yield [(name, text)]
        if member.type_name == "list":
            yield [(f"{name}.member.0", "x")]
            yield [(f"{name}.member.2", "x")]
            yield [(f"{name}.member.99999999999", "x")]
            yield [(f"{name}.member.1.Key", "x" * 500), (f"{name}.member.1.Value", "y" * 500)]


def answers(
    wire: Wire, service: str, operation: str, *, first: int = 0, step: int = 1
) -> Iterator[Answer]:
    """Everything hostile, or what comes at every `step` of it, sent to one operation."""
    shape = MODELS[service].operation_model(operation).input_shape
    start = first if step > 1 else 0
    if service in TARGETS:
        yield from (
            wire.json(service, operation, body)
            for body in islice(hostile_json(shape), start, None, step)
        )
    elif service in REST:
        sent = MODELS[service].operation_model(operation).http
        path = re.sub(r"\{[A-Za-z]+\}", NOBODY, sent["requestUri"])
        for body in islice(hostile_json(shape), start, None, step):
            headers = {"Content-Type": "application/json"}
            yield wire.send(service, body, headers, path=path, method=sent["method"])
    else:
        yield from (
            wire.query(service, operation, form)
            for form in islice(hostile_form(shape), start, None, step)
        )


def recorded(server: Server) -> list[str]:
    """The request ids of all records, in order."""
    shown = server.keystead("audit", "show", "--json", "--last", "1000000")
    assert shown.returncode == 0, shown.stderr
    return [json.loads(line)["requestID"] for line in shown.stdout.splitlines()]


@pytest.mark.parametrize(("service", "operation"), SERVED)
def test_bad_input_is_refused(server: Server, wire: Wire, service: str, operation: str) -> None:
    """Whatever is sent, the answer is a refusal in the protocol's form, with a request id."""
    if operation in OPEN:
        assert wire.query(service, operation, [("Unknown", "x")]).status == 200
        return
    for answer in answers(wire, service, operation):
        assert answer.status < 500, (answer.code, answer.message)
        assert answer.request_id
        if answer.status >= 400:
            assert answer.code
            assert "Traceback" not in answer.message


def epoch(server: Server) -> str:
    """The number of the state: it moves with every change, and with every change undone."""
    status = control.ask(server.data, "status", {})  # the page of metrics takes far longer
    assert status is not None
    return str(status["epoch"])


@pytest.mark.parametrize("service", ["kms", "iam"])
def test_refused_calls_change_nothing_and_are_recorded(own_server: Server, service: str) -> None:
    """A refused call leaves the state as it was, and one record.

    Of IAM, which has many operations, a third of the inputs to each.
    """
    wire = Wire(own_server)
    own_server.client("kms").create_key()
    known, refusals, accepted = set(recorded(own_server)), [], 0
    before, state = epoch(own_server), snapshot(own_server)
    for number, (name, operation) in enumerate(SERVED):
        if name != service or operation in OPEN:
            continue
        sent = answers(wire, name, operation, first=number % 3, step=3 if name == "iam" else 1)
        for answer in sent:
            now = epoch(own_server)
            if answer.status < 400:  # it may have changed something
                accepted += 1
                before, state = now, snapshot(own_server)
                continue
            refusals.append(answer.request_id)
            if now != before:  # a change, or one that was undone: then all is as before
                assert snapshot(own_server) == state, operation
                before = now
        assert snapshot(own_server) == state, operation
    new = [each for each in recorded(own_server) if each not in known]
    assert len(new) == len(set(new))
    assert set(refusals) <= set(new)
    assert len(refusals) > 10 * accepted


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("TrentService.NoSuchOperation", "UnknownOperationException"),
        ("NoSuchService.Encrypt", "UnknownOperationException"),
        ("Encrypt", "UnknownOperationException"),
    ],
)
def test_unknown_operations(wire: Wire, target: str, code: str) -> None:
    """A target that names nothing is AWS's unknown operation."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    assert wire.send("kms", b"{}", headers).code == code


def test_unknown_action(wire: Wire) -> None:
    """An action that names nothing is InvalidAction, in AWS's words."""
    answer = wire.query("iam", "NoSuchAction", [])
    assert (answer.status, answer.code) == (400, "InvalidAction")
    assert answer.message == "Could not find operation NoSuchAction for version 2010-05-08"
