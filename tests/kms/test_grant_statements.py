"""A grant's statements are documents of the policy language; tokens are ours or nobody's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.caches import weigh
from keystead.errors import AwsError
from keystead.kms.grants import GrantRecord, as_statement, parts, retiring
from keystead.kms.grants.needed import needed
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import DocumentKind, stored_policy
from tests.kms.world import ACCOUNT, World

BOB = {"arn:aws:iam::111122223333:user/bob": "AIDA0000000000000000B"}
SESSION = {"arn:aws:sts::111122223333:assumed-role/ops/one": "AROA0000000000000000R"}
ROOT = {"arn:aws:iam::111122223333:root": ACCOUNT}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/k"

texts = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
pairs = st.dictionaries(
    st.text(texts, min_size=1, max_size=40), st.text(texts, max_size=384), min_size=1, max_size=8
).filter(lambda drawn: len({name.lower() for name in drawn}) == len(drawn))


def record(
    meant: dict[str, str], operations: str, kind: str, context: Any, arn: str
) -> GrantRecord:
    [(written, unique_id)] = meant.items()
    return GrantRecord(
        account=ACCOUNT, region="eu-central-1", key_id="k", grant_id="0" * 64, grantee=written,
        grantee_meant=unique_id, grantee_id=unique_id, issuer=ACCOUNT, operations=operations,
        context_type=kind, context=json.dumps(context), source_arn=arn, permission="",
        created_us=0,
    )  # fmt: skip


def assert_sound(source: PolicySource) -> None:
    """It is what its text says, so that a refusal that is decided again has the same policy."""
    policy = source.policy
    again = stored_policy(policy.text, DocumentKind.RESOURCE, dict(policy.meant or ()))
    assert not again.broken
    assert again.id == policy.id
    assert [one.text for one in again.statements] == [one.text for one in policy.statements]
    assert all(one.allow and not one.void for one in policy.statements)
    assert weigh(policy) <= policy.weight <= 5 * weigh(policy)


@given(
    meant=st.sampled_from([BOB, SESSION, ROOT, {"s3.amazonaws.com": ""}]),
    operations=st.sets(st.sampled_from(["Encrypt", "Decrypt", "CreateGrant", "DescribeKey"])),
    constraint=st.one_of(
        st.just(("", {})),
        st.tuples(st.sampled_from(["EncryptionContextEquals", "EncryptionContextSubset"]), pairs),
    ),
    source=st.sampled_from(["", "arn:aws:s3:eu-central-1:111122223333:bucket"]),
)
def test_statements_are_documents(
    meant: dict[str, str], operations: set[str], constraint: tuple[str, Any], source: str
) -> None:
    """Whatever pairs a constraint has, each statement is read again as the same policy."""
    grant = record(meant, " ".join(sorted(operations)), *constraint, source)
    for part in parts(grant):
        assert_sound(as_statement(grant, part, KEY))


few_pairs = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
grants = st.builds(
    lambda operations, kind, context, source: record(
        BOB, " ".join(sorted(operations)), kind if context else "", context, source
    ),
    st.sets(
        st.sampled_from(["Encrypt", "Decrypt", "CreateGrant", "DescribeKey", "Sign"]), min_size=1
    ),
    st.sampled_from(["EncryptionContextEquals", "EncryptionContextSubset"]),
    few_pairs,
    st.sampled_from(["", "", "arn:a", "arn:b"]),
)


def lets(grant: GrantRecord, operation: str, context: dict[str, str], source: str) -> bool:
    """What a grant allows, in words of its own."""
    if operation not in grant.allowed or grant.source_arn not in ("", source):
        return False
    if operation in ("DescribeKey", "Sign") or not grant.context_type:
        return True
    if grant.context_type == "EncryptionContextEquals":
        return grant.pairs == context
    return grant.pairs.items() <= context.items()


def lets_create(grant: GrantRecord, asked: GrantRecord, source: str) -> bool:
    """May the grantee of one grant create this other one?"""
    return (
        lets(grant, "CreateGrant", dict(asked.pairs), source)
        and set(asked.allowed) <= set(grant.allowed)
        and grant.source_arn in ("", asked.source_arn)
        and (
            grant.context_type != "EncryptionContextEquals"
            or asked.context_type == "EncryptionContextEquals"
        )
    )


@given(made=st.lists(grants, max_size=8), asked=grants, source=st.sampled_from(["", "arn:a"]))
def test_what_is_left_out_changes_nothing(
    made: list[GrantRecord], asked: GrantRecord, source: str
) -> None:
    """The statements that are needed allow what all of them allow: uses, and new grants."""
    context = dict(asked.pairs)
    every = [(part, grant) for grant in made for part in parts(grant)]
    pairs = [(f"kms:encryptioncontext:{name}", value) for name, value in context.items()]
    pairs += [("aws:sourcearn", source)] if source else []
    kept = needed(every, pairs, creates=False)
    assert len(kept) <= 4  # each adds an operation
    for operation in ("Encrypt", "Decrypt", "DescribeKey", "Sign"):
        stated = [grant for part, grant in kept if f"kms:{operation}" in text(part, grant)]
        assert any(lets(grant, operation, context, source) for grant in stated) == any(
            lets(grant, operation, context, source) for grant in made
        )
    creating = [grant for _, grant in needed(every, pairs, creates=True)]
    assert any(lets_create(grant, asked, source) for grant in creating) == any(
        lets_create(grant, asked, source) for grant in made
    )


def text(part: Any, grant: GrantRecord) -> str:
    return str(as_statement(grant, part, KEY).policy.text)


def test_who_may_retire_is_a_document() -> None:
    """So are the statements about RetireGrant."""
    for source in retiring(record(BOB, "Encrypt RetireGrant", "", {}, ""), KEY, "aws"):
        assert_sound(source)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("tokens"))


@given(st.data())
def test_other_texts_are_no_tokens(world: World, data: st.DataObject) -> None:
    """A changed token, or any other text, is refused as every wrong token is."""
    admin = world.caller()
    key = world.people.ids.setdefault("key", "") or admin.key()
    world.people.ids["key"] = key
    token: str = admin.create_grant(
        KeyId=key, GranteePrincipal=admin.principal.arn, Operations=["Encrypt"], Name="one"
    ).grant_token
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_=+/ é"))
    texts = (token[:place] + letter + token[place + 1 :], token[:place], token + letter,
             data.draw(st.text(min_size=1, max_size=200)))  # fmt: skip
    for text in texts:
        if text in (token, ""):
            continue
        with pytest.raises(AwsError) as caught:
            admin.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[text])
        assert caught.value.code == "InvalidGrantTokenException"
    admin.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[token])
