"""What a stranger hears of a refusal: nothing that hangs on another account's key (KM-2)."""

from typing import Any

import msgspec
import pytest

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.question import ApplicablePolicies, Question, RefusedQuestion
from keystead.policy.language.document import DocumentKind
from keystead.policy.reasons.cross_account import as_known, matches, refusal
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    LOGS,
    OTHER,
    ROLE,
    USER,
    Statement,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    evaluate,
    key_policy,
    own,
    source,
    to,
)

THEIRS = KEY.replace(ACCOUNT, OTHER)
ALIAS = f"arn:aws:kms:eu-central-1:{OTHER}:alias/backup"
UNNAMED = (
    "this resource because the resource does not exist in this Region, no resource-based policies"
    " allow access, or a resource-based policy explicitly denies access"
)
LACKS = "this resource because no {} allows the kms:Encrypt action"
DENIED = "with an explicit deny in an identity-based policy"
OF_THE_KEY: dict[str, Any] = {
    "aws:resourcetag/team": "red",
    "aws:resourceaccount": OTHER,
    "kms:keyspec": "SYMMETRIC_DEFAULT",
}


def about(
    *statements: Statement,
    resource: tuple[Any, ...] = (),
    shown_as: str = "",
    account: str = OTHER,
    **keys: Any,
) -> RefusedQuestion:
    """A question of Alice, who has these statements, about a key of another account."""
    context = ask(ALICE, resource=THEIRS, account=account, **keys)
    context = msgspec.structs.replace(context, keys={**context.keys, **OF_THE_KEY})
    policies = about_key((own(*statements),) if statements else (), resource)
    return RefusedQuestion(Question(context, policies), frozenset(OF_THE_KEY), shown_as)


def under(asked: RefusedQuestion, policies: ApplicablePolicies) -> RefusedQuestion:
    """The same, asked under other policies."""
    return msgspec.structs.replace(asked, question=asked.question.under(policies))


def told(asked: RefusedQuestion) -> str:
    """The sentence of the refusal, from the resource on."""
    decision = evaluate(asked.question.context, asked.question.policies)
    assert not decision.allowed
    refused = refusal(decision, asked)
    assert refused.decision is decision
    assert refused.asked is asked
    return str(refused).partition(" on ")[2].removeprefix("resource: ")


def when(operator: str, key: str, value: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("more", "heard"),
    [
        ({}, DENIED),
        # of the request: a stranger knows it
        (when("StringEquals", "aws:username", "alice"), DENIED),
        (when("StringEquals", "kms:EncryptionContext:team", "red"), DENIED),
        (when("Null", "aws:RequestTag/team", "true"), DENIED),
        (when("Null", "kms:EncryptionContext:none", "true"), DENIED),
        (when("StringNotEquals", "aws:SourceVpc", "vpc-1"), DENIED),
        (when("StringLike", "aws:username", "a${*}l*"), UNNAMED),
        (when("StringEquals", "kms:CallerAccount", ACCOUNT), DENIED),
        (when("StringNotLike", "aws:username", "${*}"), DENIED),
        (when("StringNotLike", "aws:username", "${?}"), DENIED),
        (when("StringNotLike", "aws:username", "${$}"), DENIED),
        (when("StringEquals", "aws:username", "${AWS:UserName}"), DENIED),
        (when("StringEquals", "aws:username", "${aws:SourceIdentity, 'alice'}"), DENIED),
        # of the key, whether it has a value or not
        (when("StringEquals", "aws:ResourceTag/team", "red"), UNNAMED),
        (when("StringNotEquals", "aws:ResourceTag/team", "blue"), UNNAMED),
        (when("Null", "aws:ResourceTag/team", "true"), UNNAMED),
        (when("Null", "aws:ResourceTag/other", "true"), UNNAMED),
        (when("StringEquals", "aws:ResourceAccount", OTHER), UNNAMED),
        (when("StringNotEquals", "aws:ResourceOrgID", "o-1"), UNNAMED),
        (when("StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT"), UNNAMED),
        (when("Null", "kms:KeyUsage", "true"), UNNAMED),
        (when("Null", "kms:ReEncryptOnSameKey", "false"), UNNAMED),
        # as a variable, in a condition or in the resource, however it is written
        (when("StringNotEquals", "aws:username", "${aws:ResourceTag/team}"), UNNAMED),
        (when("StringNotEquals", "aws:username", "${aws:ResourceTag/none, 'bob'}"), UNNAMED),
        ({"Resource": f"arn:aws:kms:*:{OTHER}:key/${{kms:KeyUsage, '*'}}"}, UNNAMED),
    ],
)
def test_an_own_deny(more: dict[str, Any], heard: str) -> None:
    """It is told of only when it cannot depend on the key."""
    asked = about(
        allow(),
        deny(**more),
        aws__username="alice",
        kms__EncryptionContext__team="red",
        kms__reencryptonsamekey="true",
        kms__calleraccount=ACCOUNT,
    )
    keys = {name.lower(): value for name, value in asked.question.context.keys.items()}
    question = asked.question.with_keys(keys)
    expected = f"{THEIRS} {DENIED}" if heard is DENIED else UNNAMED
    assert told(msgspec.structs.replace(asked, question=question)) == expected


def test_one_own_key_is_told_in_full() -> None:
    """The same Deny about a key of one's own account: everything may be heard."""
    tagged = deny(**when("StringEquals", "aws:ResourceTag/team", "red"))
    assert told(about(tagged, account=ACCOUNT)) == f"{THEIRS} {DENIED}"
    of_key = key_policy(deny(**to(USER)))
    assert told(about(allow(), resource=(of_key,), account=ACCOUNT)) == (
        f"{THEIRS} with an explicit deny in a resource-based policy"
    )


def test_a_deny_of_the_owner_is_not_told() -> None:
    """Whether the key's policy denies or does not allow sounds alike."""
    denying, silent = key_policy(deny(**to(USER))), key_policy(allow("kms:Sign", **to(USER)))
    assert told(about(allow(), resource=(denying,))) == UNNAMED
    assert told(about(allow(), resource=(silent,))) == UNNAMED
    assert told(about(allow())) == UNNAMED


def test_what_the_callers_own_side_lacks_is_told() -> None:
    """Policies without the action, whatever the key is; what depends on the key counts as there."""
    lacks = LACKS.format("identity-based policy")
    for resource in ((), (key_policy(allow(**to(USER))),), (key_policy(deny(**to(USER))),)):
        for own_policies in ((), (allow("s3:*"),), (allow(resource=KEY),)):
            assert told(about(*own_policies, resource=resource)) == lacks
    tagged = allow(**when("StringEquals", "aws:ResourceTag/team", "blue"))
    varied = allow(resource="arn:aws:kms:*:*:key/${aws:ResourceTag/team}")
    for depends in (tagged, varied, allow(resource=THEIRS)):
        assert told(about(depends)) == UNNAMED
    known = allow(**when("StringEquals", "aws:username", "bob"))
    assert told(about(known, aws__username="alice")) == lacks


def test_a_role_of_another_account_is_told_of_alike() -> None:
    """Whether its trust policy denies or does not allow."""

    role = ROLE.replace(ACCOUNT, OTHER)
    statement = {"Effect": "Deny", "Action": "sts:AssumeRole", **to(USER)}
    trust = source(statement, kind=DocumentKind.TRUST)
    context = ask(ALICE, "sts:AssumeRole", role, OTHER)
    asked = RefusedQuestion(Question(context, about_key((own(allow("sts:*")),), (trust,))))
    assert told(asked) == f"{role} because no role trust policy allows the sts:AssumeRole action"


def test_the_deny_that_is_told_is_the_callers() -> None:
    """Both sides deny: the caller's own is told, for it would be told of no key at all as well."""
    denying = key_policy(deny(**to(USER)))
    asked = about(deny(), resource=(denying,))
    assert told(asked) == f"{THEIRS} {DENIED}"
    nothing = under(asked, about_key((own(deny()),)))
    assert told(nothing) == told(asked)


def test_the_first_deny_names_the_kind() -> None:
    """SCPs before the policies of the user, as everywhere; and the policy by its ARN."""
    arn = f"arn:aws:organizations::{ACCOUNT}:policy/o-1/service_control_policy/p-1"
    scp = source(deny(), kind=DocumentKind.SCP, name=arn)
    asked = about(deny())
    policies = about_key((own(deny()),), (), scps=((scp,),))
    asked = under(asked, policies)
    assert told(asked) == f"{THEIRS} with an explicit deny in a service control policy: {arn}"


def test_nothing_that_allows_is_a_deny() -> None:
    """A boundary that does not allow is told of, and does not deny."""
    policies = about_key((own(allow()),), (), boundary=ceiling(allow("s3:*")))
    asked = under(about(), policies)
    assert told(asked) == LACKS.format("permissions boundary")


def test_a_key_that_was_called_by_an_alias() -> None:
    """It is named so, and asked about under that name: its id is not the caller's to know."""
    by_id, by_alias = deny(resource=THEIRS), deny(resource=ALIAS)
    assert told(about(allow(), by_id, shown_as=ALIAS)) == UNNAMED
    assert told(about(by_id)) == f"{THEIRS} {DENIED}"
    asked = about(by_alias, by_id, shown_as=ALIAS)
    assert told(asked) == f"{ALIAS} {DENIED}"
    for own_allow, heard in ((allow(resource=THEIRS), UNNAMED), (allow("s3:*"), None)):
        expected = heard or LACKS.format("identity-based policy")
        assert told(about(own_allow, shown_as=ALIAS)) == expected
    assert told(about(shown_as=ALIAS, account=ACCOUNT)).startswith(f"{ALIAS} because no")


# what is left of a question


def test_ones_own_question_is_known_whole() -> None:
    """Nothing is put away when the key is of the caller's account."""
    asked = about(allow(), account=ACCOUNT)
    assert as_known(asked) is asked
    service = RefusedQuestion(
        Question(ask(LOGS, account=OTHER), about_key()), frozenset({"kms:keyspec"})
    )
    assert as_known(service) is service  # of no account: the key's own side is asked


def test_a_strangers_question_is_about_a_name() -> None:
    """Its own policies, its endpoint's and what it said stay; all that the key has is put away."""
    endpoint = source(allow("kms:*", Principal="*"), kind=DocumentKind.ENDPOINT)
    asked = about(allow(), resource=(key_policy(deny(**to(USER))),), shown_as=ALIAS,
                  aws__username="alice", kms__reencryptonsamekey="true")  # fmt: skip
    rcp = source(deny(**to("*")), kind=DocumentKind.RESOURCE)
    granted = key_policy(allow(**to(USER)))
    policies = msgspec.structs.replace(
        asked.question.policies, endpoint=endpoint, resource_control=((rcp,),), grants=(granted,)
    )
    asked = under(asked, policies)
    known = as_known(asked)
    assert known.question.context.resource == ALIAS
    assert known.question.context.keys == {"aws:username": "alice"}
    assert (known.described, known.shown_as) == (frozenset(), "")
    assert known.question.policies == ApplicablePolicies(policies.principal, endpoint=endpoint)
    assert as_known(about(allow())).question.context.resource == THEIRS


def test_matches_stand_in_the_order_of_the_steps() -> None:
    """Every policy of ones own question, grants with the key's own; only what matches."""
    rcp = source(deny(**to("*")), kind=DocumentKind.RESOURCE, name="rcp")
    policies = about_key(
        (own(allow("s3:*"), allow(Sid="mine")),),
        (key_policy(allow(**to(USER))), key_policy(allow(**to(f"{USER}2")))),
        boundary=ceiling(allow()),
        scps=((ceiling(allow("*"), kind=DocumentKind.SCP),),),
        resource_control=((rcp,),),
        grants=(source(allow(**to(USER)), kind=DocumentKind.KEY, name="grant"),),
    )
    found = list(matches(RefusedQuestion(Question(ask(), policies))))
    assert [(one.layer.kind, one.source.id) for one in found] == [
        (PolicyKind.RESOURCE_CONTROL, "rcp"),
        (PolicyKind.SERVICE_CONTROL, "scp"),
        (PolicyKind.RESOURCE, "default"),
        (PolicyKind.RESOURCE, "grant"),
        (PolicyKind.IDENTITY, "own"),
        (PolicyKind.BOUNDARY, "boundary"),
    ]
    tagged = own(deny(**when("Null", "kms:KeyUsage", "true")))
    assert [
        one.source.id for one in matches(RefusedQuestion(Question(ask(), about_key((tagged,)))))
    ] == ["own"]
    mine = found[4].deciding
    assert (mine.kind, mine.policy, mine.index, mine.sid) == (PolicyKind.IDENTITY, "own", 1, "mine")
