"""Key policies: written, shown, resolved, and kept from locking everybody out."""

import json

import msgspec
import pytest

from keystead.arns import iam_arn
from keystead.custody.rows.rows import RowIntegrityError
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    Kms,
    World,
    allow,
    delegation,
    deny,
    document,
    identity_policy,
    refused,
)  # fmt: skip

LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
UNKNOWN = "Policy contains a statement with one or more invalid principals."
DEFAULT = """{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""


def test_the_default_policy(admin: Kms) -> None:
    """A key made without a policy has AWS's default, laid out as AWS does."""
    answer = admin.get_key_policy(KeyId=admin.key())
    assert (answer.policy, answer.policy_name) == (DEFAULT, "default")


@pytest.mark.parametrize("name", [None, "default"])
def test_text_is_given_back_as_written(admin: Kms, name: str | None) -> None:
    """A policy comes back byte for byte."""
    named = {} if name is None else {"PolicyName": name}
    text = "\n" + json.dumps(json.loads(document(delegation())), indent=3) + "\t"
    key = admin.key()
    admin.put_key_policy(KeyId=key, Policy=text, **named)
    assert admin.get_key_policy(KeyId=key, **named).policy == text
    assert admin.get_key_policy(KeyId=admin.key(Policy=text)).policy == text


def test_a_new_policy_counts_at_once(admin: Kms, world: World) -> None:
    """The next call is judged by the new policy."""
    alice = world.caller("alice", policies=[])
    for_alice = allow("kms:Encrypt", Principal={"AWS": alice.principal.arn})
    key = admin.key()
    with refused("AccessDeniedException"):
        alice.encrypt(KeyId=key, Plaintext=b"x")
    admin.put_key_policy(KeyId=key, Policy=document(delegation(), for_alice))
    alice.encrypt(KeyId=key, Plaintext=b"x")
    admin.put_key_policy(KeyId=key, Policy=document(delegation()))
    with refused("AccessDeniedException"):
        alice.encrypt(KeyId=key, Plaintext=b"x")


def test_without_delegation_identity_policies_do_not_count(admin: Kms, world: World) -> None:
    """A key policy that leaves out the account locks even an administrator out."""
    alice = world.caller("alice", policies=[])
    only_alice = document(allow("kms:*", Principal={"AWS": alice.principal.arn}))
    key = admin.key(Policy=only_alice, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        admin.describe_key(KeyId=key)
    alice.describe_key(KeyId=key)


def test_lockout_is_refused(admin: Kms, world: World) -> None:
    """A policy under which the caller could not write the next one is refused, unless told so."""
    alice = world.caller("alice", policies=[])
    only_alice = document(allow("kms:*", Principal={"AWS": alice.principal.arn}))
    key = admin.key()
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        admin.put_key_policy(KeyId=key, Policy=only_alice)
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        admin.create_key(Policy=only_alice)
    assert admin.get_key_policy(KeyId=key).policy == DEFAULT
    assert len(admin.list_keys().keys) == 1
    admin.put_key_policy(KeyId=key, Policy=only_alice, BypassPolicyLockoutSafetyCheck=True)
    assert alice.get_key_policy(KeyId=key).policy == only_alice


@pytest.mark.parametrize(
    "statements",
    [
        [allow("kms:Put*", Principal={"AWS": iam_arn(ACCOUNT, "user/admin")})],
        [allow("kms:PutKeyPolicy", Principal={"AWS": ACCOUNT})],
        [allow("kms:*", Principal={"AWS": "*"})],
        [allow("kms:*", Principal="*", Condition={"StringEquals": {"kms:PolicyName": "default"}})],
    ],
)
def test_policies_that_do_not_lock_out(admin: Kms, statements: list[object]) -> None:
    """Naming the caller, the account or everybody keeps the way open."""
    admin.put_key_policy(KeyId=admin.key(), Policy=document(*statements))


@pytest.mark.parametrize(
    "statements",
    [
        [allow("kms:Get*", Principal={"AWS": ACCOUNT})],
        [delegation(), deny("kms:PutKeyPolicy", Principal="*")],
        [delegation(OTHER_ACCOUNT)],
        [allow("kms:*", Principal={"AWS": ACCOUNT}, Condition={"Bool": {"aws:SecureTransport":
         "true"}})],
    ],
)  # fmt: skip
def test_policies_that_lock_out(admin: Kms, statements: list[object]) -> None:
    """Another action, a deny, another account, or a condition that this call fails does not."""
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        admin.put_key_policy(KeyId=admin.key(), Policy=document(*statements))


def test_the_check_asks_the_callers_policies_too(world: World) -> None:
    """A policy that leaves it to the account needs a caller who may write policies."""
    only_account = document(delegation())
    alice = world.caller("alice", policies=[allow("kms:CreateKey")])
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        alice.create_key(Policy=only_account)
    alice.create_key()
    alice.create_key(Policy=only_account, BypassPolicyLockoutSafetyCheck=True)
    by_name = allow("kms:PutKeyPolicy", Principal={"AWS": alice.principal.arn})
    alice.create_key(Policy=document(delegation(), by_name))
    bob = world.caller("bob", policies=[allow(["kms:CreateKey", "kms:PutKeyPolicy"])])
    bob.create_key(Policy=only_account)


def test_the_check_asks_when_a_policy_is_replaced(world: World, admin: Kms) -> None:
    """Who may write by the key policy alone must not give it to the account."""
    alice = world.caller("alice", policies=[])
    by_name = document(delegation(), allow("kms:*", Principal={"AWS": alice.principal.arn}))
    key = admin.key(Policy=by_name)
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        alice.put_key_policy(KeyId=key, Policy=document(delegation()))
    alice.put_key_policy(KeyId=key, Policy=by_name)
    admin.put_key_policy(KeyId=key, Policy=document(delegation()))


def test_the_check_asks_every_policy_of_the_caller(world: World) -> None:
    """A Deny of the caller's own, a boundary and tags of the key decide as they will later."""
    only_account = document(delegation())
    denied = world.caller("alice", policies=[allow("kms:*"), deny("kms:PutKeyPolicy")])
    bounded = world.caller("bob", policies=[allow("kms:*")])
    bounded.policies = msgspec.structs.replace(
        bounded.policies, boundary=identity_policy(allow("kms:CreateKey"))
    )
    for caller in (denied, bounded):
        with refused("MalformedPolicyDocumentException", LOCKED_OUT):
            caller.create_key(Policy=only_account)
    of_alpha = {"StringEquals": {"aws:ResourceTag/Project": "Alpha"}}
    own = [allow(["kms:CreateKey", "kms:TagResource"]), allow("kms:Put*", Condition=of_alpha)]
    carol = world.caller("carol", policies=own)
    carol.create_key(Policy=only_account, Tags=[{"TagKey": "Project", "TagValue": "Alpha"}])
    with refused("MalformedPolicyDocumentException", LOCKED_OUT):
        carol.create_key(Policy=only_account)


def test_the_bypass_can_be_forbidden(world: World) -> None:
    """kms:BypassPolicyLockoutSafetyCheck is absent unless the request says true or false."""
    policy = document(delegation())
    key = "kms:BypassPolicyLockoutSafetyCheck"
    unsaid = world.caller("alice", policies=[allow("kms:*", Condition={"Null": {key: "true"}})])
    denied = deny("kms:*", Condition={"Bool": {key: "true"}})
    not_true = world.caller("bob", policies=[allow("kms:*"), denied])
    for caller in (unsaid, not_true):
        mine = caller.key(Policy=policy)
        caller.put_key_policy(KeyId=mine, Policy=policy)
        with refused("AccessDeniedException"):
            caller.put_key_policy(KeyId=mine, Policy=policy, BypassPolicyLockoutSafetyCheck=True)
        with refused("AccessDeniedException"):
            caller.create_key(BypassPolicyLockoutSafetyCheck=True)
    not_true.create_key(BypassPolicyLockoutSafetyCheck=False)
    with refused("AccessDeniedException"):
        unsaid.create_key(BypassPolicyLockoutSafetyCheck=False)


def test_names_of_nobody_are_refused(admin: Kms, world: World) -> None:
    """Every principal must exist when the policy is written."""
    arn = iam_arn(ACCOUNT, "user/alice")
    policy = document(delegation(), allow("kms:*", Principal={"AWS": [arn]}))
    key = admin.key()
    with refused("MalformedPolicyDocumentException", UNKNOWN):
        admin.put_key_policy(KeyId=key, Policy=policy)
    with refused("MalformedPolicyDocumentException", UNKNOWN):
        admin.create_key(Policy=policy)
    world.people.add(arn)
    admin.put_key_policy(KeyId=key, Policy=policy)


def test_a_namesake_inherits_nothing(admin: Kms, world: World) -> None:
    """A user who was deleted and made again is another one, and the policy shows the old id."""
    alice = world.caller("alice", policies=[])
    arn = alice.principal.arn
    policy = document(delegation(), allow("kms:Encrypt", Principal={"AWS": arn}))
    key = admin.key(Policy=policy)
    alice.encrypt(KeyId=key, Plaintext=b"x")
    old_id = world.people.ids.pop(arn)
    shown = json.loads(admin.get_key_policy(KeyId=key).policy)
    assert shown["Statement"][1]["Principal"] == {"AWS": old_id}
    assert shown["Statement"][0] == json.loads(policy)["Statement"][0]
    namesake = world.caller("alice", policies=[])
    with refused("AccessDeniedException"):
        namesake.encrypt(KeyId=key, Plaintext=b"x")
    assert admin.get_key_policy(KeyId=key).policy != policy
    with refused("MalformedPolicyDocumentException", UNKNOWN):
        admin.put_key_policy(KeyId=key, Policy=admin.get_key_policy(KeyId=key).policy)


def test_an_accepted_text_means_only_those_who_are_there(admin: Kms, world: World) -> None:
    """A text that was accepted is refused once its user is gone, and then means a namesake."""
    alice = world.caller("alice", policies=[])
    policy = document(delegation(), allow("kms:Encrypt", Principal={"AWS": alice.principal.arn}))
    old = [admin.key(Policy=policy) for _ in range(2)]
    for key in old:
        alice.encrypt(KeyId=key, Plaintext=b"x")
    del world.people.ids[alice.principal.arn]
    with refused("MalformedPolicyDocumentException", UNKNOWN):
        admin.create_key(Policy=policy)
    namesake = world.caller("alice", policies=[])
    new = admin.key(Policy=policy)
    namesake.encrypt(KeyId=new, Plaintext=b"x")
    for caller, key in ((namesake, old[0]), (namesake, old[1]), (alice, new)):
        with refused("AccessDeniedException"):
            caller.encrypt(KeyId=key, Plaintext=b"x")


def test_an_accepted_text_is_not_read_again(
    admin: Kms, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text in the same account is looked up; in another account it is read."""
    admin.key()
    other = world.caller("other", OTHER_ACCOUNT)
    monkeypatch.setattr("keystead.kms.key_policies.compile_policy", None)
    alice = world.caller("alice")
    alice.encrypt(KeyId=admin.key(), Plaintext=b"x")
    with pytest.raises(TypeError):
        other.key()


def test_a_refused_text_is_read_again(admin: Kms) -> None:
    """A text that was refused is refused again, and leaves nothing behind."""
    for _ in range(2):
        with refused("MalformedPolicyDocumentException"):
            admin.create_key(Policy=document(delegation(), allow("kms:*", Principal="nobody")))


def test_a_new_name_is_shown(admin: Kms, world: World) -> None:
    """A user who was renamed keeps the permission, and is shown with the name of today."""
    alice = world.caller("alice", policies=[])
    old, new = alice.principal.arn, iam_arn(ACCOUNT, "user/carol")
    policy = document(delegation(), allow("kms:Encrypt", Principal={"AWS": [old, ACCOUNT]}))
    key = admin.key(Policy=policy)
    world.people.ids[new] = world.people.ids.pop(old)
    shown = json.loads(admin.get_key_policy(KeyId=key).policy)
    assert shown["Statement"][1]["Principal"] == {"AWS": [new, ACCOUNT]}
    world.caller("carol", policies=[]).encrypt(KeyId=key, Plaintext=b"x")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"Version":"2012-10-17"}', "null"])
def test_malformed_documents(admin: Kms, text: str) -> None:
    """What is not a policy is not stored."""
    key = admin.key()
    with refused("MalformedPolicyDocumentException"):
        admin.put_key_policy(KeyId=key, Policy=text)
    assert admin.get_key_policy(KeyId=key).policy == DEFAULT


def test_the_longest_policy(admin: Kms) -> None:
    """A policy has at most 32,768 bytes."""
    text = document(delegation())
    key = admin.key()
    admin.put_key_policy(KeyId=key, Policy=text + " " * (32768 - len(text)))
    with refused("LimitExceededException"):
        admin.put_key_policy(KeyId=key, Policy=text + " " * (32769 - len(text)))
    with refused("LimitExceededException"):
        admin.put_key_policy(KeyId=key, Policy=text + "é" * 17000)


def test_other_policies_do_not_exist(admin: Kms) -> None:
    """There is one policy, `default`; the name of RAM's is RAM's."""
    key, text = admin.key(), document(delegation())
    assert admin.list_key_policies(KeyId=key).policy_names == ["default"]
    for name in ("AWS_RAM", "other"):
        with refused("NotFoundException", "No such policy exists"):
            admin.get_key_policy(KeyId=key, PolicyName=name)
    with refused("NotFoundException", "No such policy exists"):
        admin.put_key_policy(KeyId=key, Policy=text, PolicyName="other")
    with refused(
        "ValidationException", "The AWS_RAM policy can only be managed by the RAM service"
    ):
        admin.put_key_policy(KeyId=key, Policy=text, PolicyName="AWS_RAM")


def test_policies_of_keys_that_are_going(admin: Kms) -> None:
    """The policy of a key pending deletion can still be read and written."""
    key = admin.key()
    admin.schedule_key_deletion(KeyId=key)
    admin.put_key_policy(KeyId=key, Policy=document(delegation()))
    assert admin.get_key_policy(KeyId=key).policy == document(delegation())


def test_the_policy_of_another_moment(admin: Kms, world: World) -> None:
    """An older policy row put back beside the newer key row is refused, not believed."""
    key = admin.key()
    columns = "SELECT text, principals, row_version, mac FROM kms_policy_texts"
    old = world.store.read().all(columns)[0]
    admin.put_key_policy(KeyId=key, Policy=document(delegation()))
    world.restart()
    with world.store.write() as transaction:
        transaction.run(
            "UPDATE kms_policy_texts SET text = ?, principals = ?, row_version = ?, mac = ?", old
        )
    with pytest.raises(RowIntegrityError):
        admin.describe_key(KeyId=key)


def test_a_stored_policy_that_cannot_be_read_denies(admin: Kms, world: World) -> None:
    """A policy that is stored and means nothing to us denies everything, whoever asks."""
    key = admin.key()
    record = world.repository.keys_after(world.store.read(), ACCOUNT, admin.region, "", 1)[0]
    with world.store.write() as transaction:
        world.repository.change_policy(transaction, record, "0" * 64, "{", {})
    with refused("AccessDeniedException") as refusal:
        admin.describe_key(KeyId=key)
    assert "explicit deny in a resource-based policy" in str(refusal.value.message)
