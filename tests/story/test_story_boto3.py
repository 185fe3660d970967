"""The first session of a user, with boto3: who may use which key, and why not."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Credentials, Server, create_user, policy, refused

CONTEXT = {"app": "orders"}


@pytest.fixture(scope="module")
def keys(server: Server) -> tuple[str, str]:
    """Two symmetric keys of the administrator's."""
    kms = server.client("kms")
    first, second = (
        kms.create_key(Description=text)["KeyMetadata"]["Arn"] for text in ("orders", "payroll")
    )
    return first, second


@pytest.fixture(scope="module")
def alice(server: Server, keys: tuple[str, str]) -> Credentials:
    """A user who may use the first key, under one encryption context."""
    return create_user(
        server, "alice-of-the-story",
        {
            "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": keys[0],
            "Condition": {"StringEquals": {"kms:EncryptionContext:app": "orders"}},
        },
    )  # fmt: skip


def test_alice_uses_her_key(server: Server, alice: Credentials, keys: tuple[str, str]) -> None:
    """Under the context that her policy names, alice encrypts and decrypts."""
    kms = server.client("kms", alice)
    made = kms.encrypt(KeyId=keys[0], Plaintext=b"secret", EncryptionContext=CONTEXT)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)

    assert made["KeyId"] == opened["KeyId"] == keys[0]
    assert opened["Plaintext"] == b"secret"
    assert b"secret" not in made["CiphertextBlob"]


def test_another_key_is_refused(server: Server, alice: Credentials, keys: tuple[str, str]) -> None:
    """The second key is not hers, and the refusal says which policy did not allow it."""
    with refused(
        "AccessDeniedException",
        f"user/alice-of-the-story is not authorized to perform: kms:Encrypt on resource: {keys[1]}"
        " because no identity-based policy allows the kms:Encrypt action",
    ):
        server.client("kms", alice).encrypt(
            KeyId=keys[1], Plaintext=b"x", EncryptionContext=CONTEXT
        )


def test_another_context_is_refused(
    server: Server, alice: Credentials, keys: tuple[str, str]
) -> None:
    """Her key under another context, or none, is not what her policy allows."""
    kms = server.client("kms", alice)
    with refused("AccessDeniedException", "no identity-based policy allows the kms:Encrypt"):
        kms.encrypt(KeyId=keys[0], Plaintext=b"x", EncryptionContext={"app": "payroll"})
    with refused("AccessDeniedException", "no identity-based policy allows the kms:Encrypt"):
        kms.encrypt(KeyId=keys[0], Plaintext=b"x")


def test_context_is_bound(server: Server, keys: tuple[str, str]) -> None:
    """Even the administrator cannot decrypt under another context than the one it was made with."""
    kms = server.client("kms")
    blob = kms.encrypt(KeyId=keys[0], Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]

    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"app": "payroll"})
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"x"


def test_wrong_signature_is_refused(
    server: Server, alice: Credentials, keys: tuple[str, str]
) -> None:
    """A signature by another secret is refused, with AWS's name and sentence of each protocol."""
    forged = replace(alice, secret="x" * 40)
    with refused("InvalidSignatureException", "The request signature we calculated does not match"):
        server.client("kms", forged).encrypt(KeyId=keys[0], Plaintext=b"x")
    with refused("SignatureDoesNotMatch", "The request signature we calculated does not match"):
        server.client("sts", forged).get_caller_identity()


def test_deactivated_key_is_refused_at_once(server: Server, keys: tuple[str, str]) -> None:
    """The moment the deactivating call returns, the access key is refused; activated, it works."""
    bob = create_user(
        server, "bob-of-the-story",
        {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": keys[0]},
    )  # fmt: skip
    kms, iam = server.client("kms", bob), server.client("iam")
    kms.encrypt(KeyId=keys[0], Plaintext=b"x")

    for status in ("Inactive", "Active", "Inactive"):
        iam.update_access_key(
            UserName="bob-of-the-story", AccessKeyId=bob.access_key_id, Status=status
        )
        if status == "Active":
            kms.encrypt(KeyId=keys[0], Plaintext=b"x")
            continue
        with refused("UnrecognizedClientException", "The security token included in the request"):
            kms.encrypt(KeyId=keys[0], Plaintext=b"x")


def test_key_policy_can_lock_out(server: Server) -> None:
    """A key policy without the account locks the administrator out, after a warning."""
    kms, iam = server.client("kms"), server.client("iam")
    iam.create_user(UserName="keeper-of-the-story")
    keeper = iam.get_user(UserName="keeper-of-the-story")["User"]["Arn"]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    lonely = policy(
        {"Effect": "Allow", "Principal": {"AWS": keeper}, "Action": "kms:*", "Resource": "*"}
    )

    with refused(
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    ):
        kms.put_key_policy(KeyId=key, Policy=lonely)
    kms.encrypt(KeyId=key, Plaintext=b"still mine")

    kms.put_key_policy(KeyId=key, Policy=lonely, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException", "because no resource-based policy allows"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException", "because no resource-based policy allows"):
        kms.get_key_policy(KeyId=key)


def test_new_keys_are_asked_for_as_requests(server: Server) -> None:
    """Power over tagged keys makes no tagged keys, and what was not sent has no condition key."""
    tags = [{"TagKey": "Project", "TagValue": "Alpha"}]
    unsaid = {"Null": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}
    every = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    tagged, asked = (
        server.client("kms", create_user(server, f"{name}-of-the-story", statement))
        for name, statement in (
            (
                "tagged",
                every | {"Condition": {"StringEquals": {"aws:ResourceTag/Project": "Alpha"}}},
            ),
            ("asked", every | {"Condition": unsaid}),
        )
    )
    with refused("AccessDeniedException", "not authorized to perform: kms:CreateKey"):
        tagged.create_key(Tags=tags)
    key = asked.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    tagged.describe_key(KeyId=key)
    with refused("AccessDeniedException", "not authorized to perform: kms:CreateKey"):
        asked.create_key(BypassPolicyLockoutSafetyCheck=False)


def test_a_deployer_is_not_locked_out_unawares(server: Server) -> None:
    """Who may not write key policies cannot leave them to the account, unless told so."""
    maker = create_user(
        server, "deployer-of-the-story",
        {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*"},
    )  # fmt: skip
    kms, account = (
        server.client("kms", maker),
        server.client("sts").get_caller_identity()["Account"],
    )
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    left = policy({"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"})
    with refused("MalformedPolicyDocumentException", "will not allow you to update the key policy"):
        kms.create_key(Policy=left)
    kms.create_key()
    kms.create_key(Policy=left, BypassPolicyLockoutSafetyCheck=True)
    server.client("kms").create_key(Policy=left)


def test_audit_shows_and_proves_it(own_server: Server) -> None:
    """The log has every call and its decision, verifies, and names a record with a flipped byte."""
    kms = own_server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.encrypt(KeyId=key, Plaintext=b"plain-canary", EncryptionContext=CONTEXT)
    nobody = create_user(own_server, "nobody")
    with refused("AccessDeniedException"):
        own_server.client("kms", nobody).encrypt(KeyId=key, Plaintext=b"plain-canary")

    shown = own_server.keystead("audit", "show", "--json")
    assert shown.returncode == 0, shown.stderr
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    denied = [e for e in events if e.get("errorCode") == "AccessDeniedException"]
    assert len(denied) == 1
    assert denied[0]["userIdentity"]["arn"].endswith("user/nobody")
    assert denied[0]["resources"][0]["ARN"] == key
    allowed = [e for e in events if e["eventName"] == "Encrypt" and "errorCode" not in e]
    assert allowed[0]["requestParameters"]["encryptionContext"] == CONTEXT

    verified = own_server.keystead("audit", "verify")
    assert verified.returncode == 0, verified.stderr

    assert own_server.stop() == 0
    record = min((own_server.data / "audit").glob("records-*.jsonl"))
    assert b"plain-canary" not in record.read_bytes()
    flip_and_verify(own_server, record)


def flip_and_verify(server: Server, record: Path) -> None:
    """Flip one bit of one byte of the log: verification fails and names that record."""
    whole = record.read_bytes()
    lines = whole.splitlines(keepends=True)
    victim = random.Random(7).randrange(len(lines))
    at = sum(map(len, lines[:victim])) + len(lines[victim]) // 2
    record.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

    broken = server.keystead("audit", "verify", "--json")
    assert broken.returncode != 0
    assert json.loads(broken.stdout)["record"] == victim

    record.write_bytes(whole)
    assert server.keystead("audit", "verify").returncode == 0
