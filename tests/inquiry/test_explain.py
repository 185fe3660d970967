"""`keystead explain` tells what the server would decide, and why, to the condition."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Credentials, Server, create_user, policy, refused
from tests.patience import wait_until

CONTEXT = "kms:EncryptionContext:app"
JOB_RUNS = 'keystead_job_runs_total{job="refusals"}'


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
    assert status == 2
    assert "there is no key" in text
    ran = server.keystead(
        "explain", "--principal", "arn:aws:iam::111122223333:user/nobody",
        "--action", "kms:Encrypt", "--resource", key,
    )  # fmt: skip
    assert ran.returncode == 2
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


# a refusal, by its id

ORDERS = {
    "Sid": "orders", "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
    "Condition": {"StringEquals": {CONTEXT: "orders"}},
}  # fmt: skip


def refusal(server: Server, key: str, who: Credentials) -> dict[str, Any]:
    """A refused call under another context than the policy's: what boto3 shows of it."""
    with pytest.raises(ClientError) as caught:
        server.client("kms", who).encrypt(
            KeyId=key, Plaintext=b"x", EncryptionContext={"app": "payroll"}
        )
    shown: dict[str, Any] = caught.value.response
    return shown


def explained(server: Server, request_id: str) -> dict[str, Any]:
    """What the command says of a refusal, for machines."""
    ran = server.keystead("explain", request_id, "--json")
    assert ran.returncode == 1, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def considered(answer: dict[str, Any]) -> dict[str, Any]:
    """The one statement called `orders`."""
    [statement] = [
        statement
        for each in answer["explanation"]["considered"]
        for statement in each["statements"]
        if statement["sid"] == "orders"
    ]
    found: dict[str, Any] = statement
    return found


def test_the_id_that_boto3_shows(server: Server, key: str) -> None:
    """The id of an error is enough: the words, the statement, the condition, both values."""
    who = create_user(server, "refused", ORDERS)
    error = refusal(server, key, who)
    request_id = error["ResponseMetadata"]["RequestId"]
    answer = explained(server, request_id)
    assert answer["requestId"] == request_id
    assert answer["message"] == error["Error"]["Message"]
    assert answer["decision"] == answer["today"] == "ImplicitlyDenied"
    [condition] = considered(answer)["conditions"]
    assert (condition["key"], condition["expected"], condition["actual"], condition["met"]) == (
        CONTEXT, ["orders"], "payroll", False,
    )  # fmt: skip

    text = server.keystead("explain", request_id.upper()).stdout
    for told in (request_id, answer["time"], answer["message"], "`orders`", "it is payroll"):
        assert told in text


def test_what_was_decided_is_explained_not_what_would_be(server: Server, key: str) -> None:
    """After the policy was changed, and after the user was deleted, the refusal is the same."""
    iam = server.client("iam")
    who = create_user(server, "changed", ORDERS)
    request_id = refusal(server, key, who)["ResponseMetadata"]["RequestId"]
    before = explained(server, request_id)

    iam.put_user_policy(
        UserName="changed", PolicyName="inline",
        PolicyDocument=policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}),
    )  # fmt: skip
    after = explained(server, request_id)
    assert after["today"] == "Allowed"
    assert after["explanation"] == before["explanation"]

    iam.delete_user_policy(UserName="changed", PolicyName="inline")
    iam.delete_access_key(UserName="changed", AccessKeyId=who.access_key_id)
    iam.delete_user(UserName="changed")
    iam.create_user(UserName="changed")
    gone = explained(server, request_id)
    assert "the principal is gone" in gone["today"]
    assert gone["explanation"] == before["explanation"]


def test_a_key_policy_means_whom_it_meant(server: Server, key: str) -> None:
    """A key policy that denied a user denied that user, though the name is another's now."""
    kms, iam = server.client("kms"), server.client("iam")
    account = server.client("sts").get_caller_identity()["Account"]
    who = create_user(server, "denied", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    own = kms.create_key(
        Policy=policy(
            {
                "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            },
            {
                "Sid": "NotThisOne", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*",
                "Principal": {"AWS": f"arn:aws:iam::{account}:user/denied"},
            },
        )
    )["KeyMetadata"]["KeyId"]  # fmt: skip
    request_id = refusal(server, own, who)["ResponseMetadata"]["RequestId"]
    iam.delete_user_policy(UserName="denied", PolicyName="inline")
    iam.delete_access_key(UserName="denied", AccessKeyId=who.access_key_id)
    iam.delete_user(UserName="denied")
    create_user(server, "denied")
    answer = explained(server, request_id)
    assert answer["decision"] == "ExplicitlyDenied"
    assert [one["sid"] for one in answer["explanation"]["decision"]["statements"]] == ["NotThisOne"]


def test_it_is_known_after_a_restart_and_a_crash(own_server: Server) -> None:
    """Stopped in order, nothing is lost; killed, nothing older than the job's last run."""
    key = own_server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    who = create_user(own_server, "refused", ORDERS)
    first = refusal(own_server, key, who)["ResponseMetadata"]["RequestId"]
    assert own_server.stop() == 0
    answer = explained(own_server, first)  # no server runs: the command reads the store itself
    own_server.start()
    second = refusal(own_server, key, who)["ResponseMetadata"]["RequestId"]
    runs = own_server.metric(JOB_RUNS)
    wait_until(lambda: own_server.metric(JOB_RUNS) > runs)
    own_server.kill()
    own_server.start()
    again = explained(own_server, first)
    assert (again["explanation"], again["time"]) == (answer["explanation"], answer["time"])
    assert considered(explained(own_server, second)) == considered(again)


def test_its_message_can_be_handed_on(server: Server, key: str) -> None:
    """With `--json` comes a fresh message, which the account of the refused caller can decode."""
    who = create_user(server, "handed", ORDERS)
    answer = explained(server, refusal(server, key, who)["ResponseMetadata"]["RequestId"])
    decoded = server.client("sts").decode_authorization_message(
        EncodedMessage=answer["authorizationMessage"]
    )["DecodedMessage"]
    assert json.loads(decoded)["context"]["principal"]["name"] == "handed"


def test_a_refusal_by_rule(server: Server) -> None:
    """Where no policy decided, it says so: a foreign access key's last use is nobody's to ask."""
    with pytest.raises(ClientError) as caught:
        server.client("iam").get_access_key_last_used(AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]
    answer = explained(server, request_id)
    assert (answer["decision"], answer["explanation"]) == ("RefusedByRule", None)
    assert "authorizationMessage" not in answer
    assert "no policy can change that" in server.keystead("explain", request_id).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["00000000-0000-4000-a000-000000000000"], 2, "there is no refusal"),
        (["x" * 300], 2, "there is no refusal"),
        (["\u00e9"], 2, "there is no refusal"),
        (["some-id", "--action", "kms:Encrypt"], 2, "cannot be given together"),
        (["some-id", "--context", "a=b"], 2, "cannot be given together"),
        (["--action", "kms:Encrypt"], 2, "missing --principal, --resource"),
        ([], 2, "missing --principal, --action, --resource"),
    ],
)
def test_what_cannot_be_explained(
    server: Server, arguments: list[str], status: int, said: str
) -> None:
    """An unknown id, an id together with a question, and half a question are each told apart."""
    ran = server.keystead("explain", *arguments)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
