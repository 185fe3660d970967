"""An encoded message says why it was refused, and nothing that belongs to other accounts."""

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.policy.evaluation.decision import AccessDenied
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    Question,
    RefusedQuestion,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind
from keystead.refusals.disclosure import disclose
from keystead.refusals.memory import HEADER
from keystead.wire.http import HttpResponse
from keystead.wire.models import iam, sts
from tests.conftest import Credentials, Server, policy
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow, deny, document
from tests.policy.generators import questions, sources
from tests.policy.support import ACCOUNT, ALICE, KEY, OTHER, ask, source
from tests.policy.support import allow as allows
from tests.policy.support import deny as denies

MAY_DECODE = allow("sts:DecodeAuthorizationMessage")
INVALID = ("InvalidAuthorizationMessageException", "Message is not valid.")


def message_of(person: Person, **members: Any) -> str:
    """The message that comes with the refusal of a CreateUser."""
    world = person.tenant.world
    with pytest.raises(AccessDenied) as caught:
        person(iam.CreateUser, **members)
    event = world.last_event
    assert event is not None
    event.request_id, event.principal = str(uuid.uuid4()), person.caller.principal
    answer = world.refusals.remember(caught.value, event, HttpResponse(403, (), b""))
    return dict(answer.headers)[HEADER]


def decode(person: Person, message: str) -> dict[str, Any]:
    """What the message says to somebody."""
    told = person(sts.DecodeAuthorizationMessage, encoded_message=message).decoded_message
    decoded: dict[str, Any] = json.loads(told or "")
    return decoded


def listed(items: Mapping[str, Any]) -> list[Any]:
    """AWS's lists, without their wrapping."""
    return [item["value"] for item in items["items"]]


def conditions(decoded: Mapping[str, Any]) -> dict[str, list[str]]:
    """The condition keys of a decoded message."""
    return {
        item["key"]: listed(item["values"]) for item in decoded["context"]["conditions"]["items"]
    }


@pytest.fixture
def reader(tenant: Tenant) -> Person:
    """Somebody who may decode."""
    return tenant.user("reader", MAY_DECODE)


# what it says, and to whom


def test_it_says_what_aws_says(tenant: Tenant, reader: Person) -> None:
    """The decision, the principal, the action, the resource and the condition keys."""
    bob = tenant.user("bob")
    decoded = decode(reader, message_of(bob, user_name="new", path="/team/"))
    caller = bob.caller.principal
    assert list(decoded) == ["allowed", "explicitDeny", "matchedStatements", "failures", "context"]
    assert decoded["allowed"] is decoded["explicitDeny"] is False
    assert decoded["matchedStatements"] == decoded["failures"] == {"items": []}
    assert decoded["context"]["principal"] == {
        "id": caller.user_id, "name": "bob", "arn": caller.arn,
    }  # fmt: skip
    assert decoded["context"]["action"] == "iam:CreateUser"
    assert decoded["context"]["resource"] == f"arn:aws:iam::{tenant.id}:user/team/new"
    assert conditions(decoded)["aws:username"] == ["bob"]
    assert conditions(decoded)["aws:PrincipalAccount"] == [tenant.id]


def test_it_names_the_statement_that_denied(tenant: Tenant, reader: Person) -> None:
    """An explicit deny comes with its statement: elements, conditions, and where it stands."""
    forbids = {
        "Sid": "NoTeam", "Effect": "Deny", "NotAction": "kms:*", "Resource": ["*"],
        "Condition": {"StringEquals": {"aws:username": ["bob", "eve"]}},
    }  # fmt: skip
    bob = tenant.user("bob", allow("iam:*"), document(forbids))
    decoded = decode(reader, message_of(bob, user_name="new"))
    assert decoded["explicitDeny"] is True
    [denying] = [s for s in decoded["matchedStatements"]["items"] if s["effect"] == "DENY"]
    assert denying["statementId"] == "NoTeam"
    assert listed(denying["principals"]) == [bob.caller.principal.unique_id]
    assert (denying["actions"], listed(denying["notActions"])) == ({"items": []}, ["kms:*"])
    assert listed(denying["resources"]) == ["*"]
    [condition] = denying["conditions"]["items"]
    assert (condition["key"], listed(condition["values"])) == ("aws:username", ["bob", "eve"])
    assert (denying["policy"], denying["attachedTo"]) == ("inline1", bob.caller.principal.arn)
    allowing = [s for s in decoded["matchedStatements"]["items"] if s["effect"] == "ALLOW"]
    assert [s["policy"] for s in allowing] == ["inline0"]


def test_it_names_the_group(tenant: Tenant, reader: Person) -> None:
    """A statement that a group brings is the group's."""
    bob = tenant.user("bob")
    tenant.root(iam.CreateGroup, group_name="interns")
    tenant.root(iam.AddUserToGroup, group_name="interns", user_name="bob")
    tenant.root(
        iam.PutGroupPolicy,
        group_name="interns", policy_name="no", policy_document=deny("iam:*"),
    )  # fmt: skip
    [denying] = decode(reader, message_of(bob, user_name="new"))["matchedStatements"]["items"]
    assert listed(denying["principalGroups"]) == [f"arn:aws:iam::{tenant.id}:group/interns"]


def test_it_outlives_what_it_tells_of(tenant: Tenant, reader: Person, world: World) -> None:
    """Neither another policy nor another user of the name changes what is told."""
    bob = tenant.user("bob", deny("iam:*"))
    message = message_of(bob, user_name="new")
    first = decode(reader, message)
    world.refusals.write(world.store, world.store.flush, world.now)
    tenant.root(iam.DeleteUserPolicy, user_name="bob", policy_name="inline0")
    assert bob.key is not None
    tenant.root(iam.DeleteAccessKey, user_name="bob", access_key_id=bob.key.access_key_id)
    tenant.root(iam.DeleteUser, user_name="bob")
    tenant.user("bob", allow("iam:*"))
    assert decode(reader, message) == first
    assert first["explicitDeny"]


def test_only_who_may(tenant: Tenant, reader: Person) -> None:
    """Decoding needs the permission of its name; the refused caller has no right to it either."""
    bob = tenant.user("bob")
    message = message_of(bob, user_name="new")
    assert decode(reader, message)
    with refused("AccessDenied", "sts:DecodeAuthorizationMessage on resource: *"):
        decode(bob, message)


def test_only_in_the_account_of_the_caller(world: World, tenant: Tenant, reader: Person) -> None:
    """Another account's root cannot decode it; its own root can."""
    message = message_of(tenant.user("bob"), user_name="new")
    stranger = world.account("other@example.com")
    with refused(*INVALID):
        decode(stranger.root, message)
    assert decode(tenant.root, message)


def test_only_for_an_hour(world: World, tenant: Tenant, reader: Person) -> None:
    """A message is good for an hour (ST-11)."""
    message = message_of(tenant.user("bob"), user_name="new")
    world.now += timedelta(hours=1)
    assert decode(reader, message)
    world.now += timedelta(seconds=1)
    with refused(*INVALID):
        decode(reader, message)


def test_only_what_was_sealed_for_this(tenant: Tenant, reader: Person, world: World) -> None:
    """Forged, changed, cut, made for another purpose or of nothing that is known: one answer."""
    message = message_of(tenant.user("bob"), user_name="new")
    unknown = world.refusals.find(world.store.read(), "nothing")
    assert unknown is None
    tokens, bound_to = world.hierarchy.tokens, (tenant.id,)
    changed = message[:100] + ("A" if message[100] != "A" else "B") + message[101:]
    for text in (
        "x", "{}", "é", message[:-4], message + "A", changed, message.upper(),
        tokens.seal("iam marker", b"data", bound_to),
        tokens.seal("authorization message", bytes(9) + b"nothing", bound_to),
    ):  # fmt: skip
        with refused(*INVALID):
            decode(reader, text)
    assert decode(reader, message)


def test_a_message_holds_nothing(tenant: Tenant) -> None:
    """It is short, whatever was refused: what it stands for is looked up."""
    bob = tenant.user("bob")
    short, long = (message_of(bob, user_name="u" * length) for length in (1, 60))
    assert len(short) == len(long) < 200
    assert short != long


# what belongs to others

STRANGERS_KEY = KEY.replace(ACCOUNT, OTHER)
TAGGED = {"StringEquals": {"aws:ResourceTag/team": "secret"}}


def about(*sources: PolicySource, resource: str = KEY, **more: Any) -> RefusedQuestion:
    """A refused question of Alice about a key with a tag, of her account or another."""
    owner = resource.split(":")[4]
    context = ask(
        ALICE, "kms:Encrypt", resource, owner,
        aws__username="alice", aws__resourcetag_SLASH_team="secret", kms__keyspec="RSA_2048",
        kms__reencryptonsamekey="true", kms__encryptioncontext__app="payroll",
    )  # fmt: skip
    described = frozenset({"aws:resourcetag/team", "kms:keyspec"})
    policies = ApplicablePolicies(PrincipalPolicies(sources), **more)
    return RefusedQuestion(Question(context, policies), described, "")


OWNERS: dict[str, Any] = {
    "resource_based": (source(denies(Principal="*"), kind=DocumentKind.KEY, name="default"),),
    "grants": (source(allows(Principal="*"), kind=DocumentKind.KEY, name="grant"),),
}


def test_ones_own_resource_is_told_whole() -> None:
    """Its tags, its policy, its grants, and statements that ask about them."""
    told = disclose(about(source(denies(Condition=TAGGED)), **OWNERS))
    assert told.keys["aws:resourcetag/team"] == "secret"
    assert [one.source.id for one in told.statements] == ["default", "grant", "p"]
    assert told.explicit_deny


def test_a_strangers_resource_is_not_told() -> None:
    """Neither what describes it nor its policies, nor whether they deny; the request is."""
    told = disclose(about(resource=STRANGERS_KEY, **OWNERS))
    assert set(told.keys) == {"aws:username", "kms:encryptioncontext:app"}
    assert (told.statements, told.explicit_deny) == ((), False)


@pytest.mark.parametrize(
    "asking",
    [
        denies(Condition=TAGGED),
        denies(Condition={"StringNotEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}),
        denies(Condition={"Null": {"AWS:ResourceTag/team": "false"}}),
        denies(Condition={"Bool": {"kms:ReEncryptOnSameKey": "true"}}),
        denies(Condition={"StringEquals": {"aws:username": "${aws:ResourceTag/team, 'alice'}"}}),
        denies(resource="arn:aws:kms:*:*:key/${kms:KeySpec, '*'}"),
    ],
)
def test_ones_own_statements_do_not_probe_a_strangers_resource(asking: Any) -> None:
    """A statement that asks how another account's resource is, is not told to match or not."""
    told = disclose(about(source(asking), resource=STRANGERS_KEY))
    assert (told.statements, told.explicit_deny) == ((), False)


@pytest.mark.parametrize(
    "asking",
    [
        denies(),
        denies(Condition={"StringEquals": {"kms:EncryptionContext:app": "payroll"}}),
        denies(Condition={"StringNotEquals": {"kms:EncryptionContext:team": "me"}}),
        denies(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
        denies(Condition={"StringEquals": {"aws:username": "${aws:username}"}}),
    ],
)
def test_ones_own_statements_about_the_request_are_told(asking: Any) -> None:
    """Its twin: a statement that asks only about the caller and the request."""
    told = disclose(about(source(asking), resource=STRANGERS_KEY))
    assert [one.source.id for one in told.statements] == ["p"]
    assert told.explicit_deny


@settings(max_examples=60, deadline=None)
@given(questions(), sources(DocumentKind.KEY), st.sets(st.sampled_from(["app:owner", "app:key"])))
def test_nothing_told_depends_on_a_strangers_resource(
    question: tuple[RequestContext, ApplicablePolicies], policy: PolicySource, more: set[str]
) -> None:
    """Whatever another account's resource is like, or if it is not there: the same is told."""
    context, policies = question
    described = frozenset({"app:owner", "app:key"})
    there = msgspec.structs.replace(
        context,
        principal=ALICE,
        resource_account=OTHER,
        keys={**context.keys, **dict.fromkeys(more, "alice")},
    )
    known = {name: value for name, value in there.keys.items() if name not in described}
    nowhere = msgspec.structs.replace(there, keys=known)
    owners = msgspec.structs.replace(policies, resource_based=(policy,), grants=(policy,))
    nobodys = ApplicablePolicies(policies.principal, endpoint=policies.endpoint)
    assert disclose(RefusedQuestion(Question(there, owners), described)) == disclose(
        RefusedQuestion(Question(nowhere, nobodys))
    )


@pytest.mark.parametrize(("owner", "shown"), [(ACCOUNT, 1), (OTHER, 0)])
def test_the_organizations_policies_are_its_owners(owner: str, shown: int) -> None:
    """That an SCP denies is told, as AWS's sentence tells it; what it says, to its owner alone."""
    arn = f"arn:aws:organizations::{owner}:policy/o-a/service_control_policy/p-a"
    scp = source(denies(), kind=DocumentKind.SCP, name=arn)
    asked = about()
    policies = ApplicablePolicies(PrincipalPolicies(service_control=((scp,),)))
    told = disclose(RefusedQuestion(asked.question.under(policies), asked.described))
    assert told.explicit_deny
    assert len(told.statements) == shown


# two accounts, a real server


@pytest.fixture(scope="module")
def stranger(server: Server) -> Credentials:
    """The root of another account, with a user who may use every key there is."""
    made = json.loads(server.keystead("account", "create", "--json").stdout)
    root = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    client = server.client("iam", root)
    client.create_user(UserName="stranger")
    probing = {
        "Sid": "Probe", "Effect": "Deny", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "top-secret"}},
    }  # fmt: skip
    client.put_user_policy(
        UserName="stranger", PolicyName="all",
        PolicyDocument=policy({"Effect": "Allow", "Action": "*", "Resource": "*"}, probing),
    )  # fmt: skip
    key = client.create_access_key(UserName="stranger")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def decoded(server: Server, who: Credentials, operation: str, **members: Any) -> dict[str, Any]:
    """What a refused KMS call's message says to the one who was refused."""
    with pytest.raises(ClientError) as caught:
        getattr(server.client("kms", who), operation)(**members)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    message = caught.value.response["ResponseMetadata"]["HTTPHeaders"][HEADER]
    answer = server.client("sts", who).decode_authorization_message(EncodedMessage=message)
    told: dict[str, Any] = json.loads(answer["DecodedMessage"])
    items = told["context"]["conditions"]["items"]
    timeless = [item for item in items if item["key"] not in {"aws:CurrentTime", "aws:EpochTime"}]
    told["context"]["conditions"]["items"] = timeless
    return told


@pytest.fixture(scope="module")
def tagged(server: Server) -> str:
    """A key of the administrator's account, with a tag, an alias and a policy that names itself."""
    kms = server.client("kms")
    account = server.client("sts").get_caller_identity()["Account"]
    key = kms.create_key(
        Tags=[{"TagKey": "team", "TagValue": "top-secret"}],
        Policy=policy(
            {
                "Sid": "OwnersStatement", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            },
            {
                "Sid": "OwnersDeny", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*",
                "Principal": "*", "Condition": {"Null": {"kms:EncryptionContext:app": "true"}},
            },
        ),
    )["KeyMetadata"]["Arn"]  # fmt: skip
    kms.create_alias(AliasName="alias/strangers", TargetKeyId=key)
    return str(key)


def test_a_key_that_exists_and_one_that_does_not(
    server: Server, stranger: Credentials, tagged: str
) -> None:
    """A stranger's message is the same for both, by key and by alias (KM-2)."""
    missing = tagged[:-12] + "0" * 12
    alias = tagged.rpartition("key/")[0] + "alias/"
    for there, not_there in ((tagged, missing), (f"{alias}strangers", f"{alias}nothing")):
        told = [
            decoded(server, stranger, "encrypt", KeyId=name, Plaintext=b"x")
            for name in (there, not_there)
        ]
        assert [each["context"].pop("resource") for each in told] == [there, not_there]
        assert told[0] == told[1]
        assert told[0]["explicitDeny"] is False


def test_what_is_the_owners_is_not_in_it(
    server: Server, stranger: Credentials, tagged: str
) -> None:
    """No tag, no spec, no statement of the key's policy; nor the key behind an alias."""
    alias = tagged.rpartition("key/")[0] + "alias/strangers"
    blob = server.client("kms").encrypt(KeyId=tagged, Plaintext=b"x")["CiphertextBlob"]
    for told in (
        decoded(server, stranger, "encrypt", KeyId=tagged, Plaintext=b"x"),
        decoded(server, stranger, "encrypt", KeyId=alias, Plaintext=b"x"),
        decoded(server, stranger, "decrypt", CiphertextBlob=blob),
    ):
        text = json.dumps(told)
        for hidden in ("top-secret", "ResourceTag", "KeySpec", "Owners", "Probe", "MultiRegion"):
            assert hidden not in text
        assert (tagged in text) is (told["context"]["resource"] == tagged)


def test_the_owner_sees_what_is_the_owners(server: Server, tagged: str) -> None:
    """Its twin: refused on a key of one's own account, the key's tags and policy are told."""
    blob = server.client("kms").encrypt(KeyId=tagged, Plaintext=b"x")["CiphertextBlob"]
    told = decoded(server, server.admin, "decrypt", CiphertextBlob=blob)
    assert told["explicitDeny"] is True
    assert "OwnersDeny" in [one["statementId"] for one in told["matchedStatements"]["items"]]
    assert conditions(told)["aws:ResourceTag/team"] == ["top-secret"]
