"""A question is built in one place: by whom it is asked makes no difference."""

import ast
from functools import cache
from pathlib import Path

import msgspec
import pytest

import keystead
from keystead.call import Target
from keystead.policy.evaluation.asking import OverAccount, about_a_name, ask, recalled
from keystead.policy.evaluation.kinds import KINDS, Whose
from keystead.policy.evaluation.layers import members
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PrincipalPolicies,
    Question,
    RequestContext,
)
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    OTHER,
    ROOT,
    USER,
    allow,
    ceiling,
    key_policy,
    own,
    to,
)

SOURCE = Path(keystead.__file__).parent
BUILDERS = {"policy/evaluation/asking.py"}
BESIDE = {"policy/evaluation/question.py"}  # `under`, `with_keys`, `alone_of_way`: parts of one
WHAT_IF = {
    "inquiry/who_can.py",
    "kms/key_policies.py",  # the lock-out check supposes the new policy
    "policy/evaluation/layers.py",
    "policy/reasons/possibility.py",
}
"""Modules that suppose other policies in a question, or in what it will be built from."""
GRANTED = {"inquiry/granted.py", "kms/grants/repository.py", "kms/keys/granted.py"}
"""Modules that give a key the grants on it (or count them), before a question is built."""

FEWER = {"kms/keys/key.py"}
"""Resource control policies are not about AWS managed keys (iam.md 5.6)."""
NO_POLICIES = {"identity/instances/hosts.py"}
"""The `endpoint` of an instance is that of its metadata."""


def called(function: ast.expr) -> str:
    """The last name of a function that is called."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@cache
def calls() -> list[tuple[str, str, frozenset[str | None]]]:
    """Every call in the source: its module, what is called, and its keywords."""
    return [
        (
            path.relative_to(SOURCE).as_posix(),
            called(node.func),
            frozenset(word.arg for word in node.keywords),
        )
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
    ]


def callers(*names: str) -> set[str]:
    """The modules that call one of these."""
    return {module for module, name, _ in calls() if name in names}


def test_a_question_is_built_in_one_place() -> None:
    """No other module puts together what a request says, the policies, or the two."""
    assert callers("RequestContext") == BUILDERS
    assert callers("ApplicablePolicies") == BUILDERS | BESIDE
    assert callers("Question") == BUILDERS | BESIDE


def test_a_questions_policies_are_replaced_in_few_places() -> None:
    """A copy with other policies is a question that nobody asked: only suppositions are."""
    parts = set(ApplicablePolicies.__struct_fields__) - {"principal"}
    modules = {module for module, name, words in calls() if name == "replace" and parts & words}
    assert modules <= WHAT_IF | GRANTED | FEWER | NO_POLICIES


def test_every_purpose_asks_by_the_same_function() -> None:
    """Enforcement, the operator's questions, past refusals, simulations, `keystead decide`."""
    assert {module for module in callers("ask") if not module.startswith("identity/iam/")} >= {
        "call.py",
        "inquiry/question.py",
        "inquiry/past_refusals.py",
        "policy/reasons/scenario.py",
    }
    assert "identity/iam/simulation/questions.py" in callers("ask")


GIVEN = {"aws:resourceaccount": "given", "kms:keyspec": "given", "aws:username": "given"}


@pytest.mark.parametrize("said", [{}, {"aws:resourceaccount": "x", "kms:keyspec": "x"}])
def test_which_facts_come_over_which(said: dict[str, str]) -> None:
    """The owner of the resource, what it is like, and then whatever the operation gives."""
    described = {"kms:keyspec": "RSA_2048"}
    resource = Target(KEY, OTHER, condition_keys=described)
    facts = {"aws:username": "alice", **said}
    asked = ask(ALICE, PrincipalPolicies(), "kms:Encrypt", resource, facts)
    assert asked.context.keys == {
        "aws:username": "alice",
        "aws:resourceaccount": OTHER,
        "kms:keyspec": "RSA_2048",
    }
    assert (asked.context.resource, asked.context.resource_account) == (KEY, OTHER)
    again = ask(ALICE, PrincipalPolicies(), "kms:Encrypt", resource, facts, given=GIVEN)
    assert again.context.keys == GIVEN
    own = Target(KEY, OTHER, condition_keys={"aws:resourceaccount": "told otherwise"})
    told = ask(ALICE, PrincipalPolicies(), "kms:Encrypt", own, facts).context
    assert told.keys["aws:resourceaccount"] == "told otherwise"


def test_a_resource_of_nobody_has_no_owner() -> None:
    """Absent, not empty."""
    keys = ask(ALICE, PrincipalPolicies(), "s3:Get", Target("*", ""), {"a:b": "c"}).context.keys
    assert keys == {"a:b": "c"}


@pytest.mark.parametrize(
    ("action", "told", "crosses"),
    [
        ("kms:Encrypt", None, True),
        ("kms:ENCRYPT", None, True),
        ("kms:PutKeyPolicy", None, False),
        ("kms:Encrypt", False, False),
        ("kms:PutKeyPolicy", True, True),
    ],
)
def test_whether_it_works_across_accounts(action: str, told: bool | None, crosses: bool) -> None:
    """The row of the operation tells, or else the action."""
    asked = ask(ALICE, PrincipalPolicies(), action, Target(KEY, OTHER), {}, across_accounts=told)
    assert asked.policies.cross_account_allowed is crosses


def question() -> Question:
    """A question with policies of every kind."""
    silent = ceiling(allow("kms:*"))
    policies = PrincipalPolicies(
        (own(allow()),), silent, ((silent,), (silent,)), ((silent,), (silent, silent)), ((silent,),)
    )
    resource = Target(
        KEY, ACCOUNT, "", (key_policy(allow(**to(ROOT))),), True, (key_policy(allow(**to(USER))),)
    )
    return ask(
        ALICE, policies, "kms:Encrypt", resource, {"a:b": "c"},
        over=OverAccount(((silent,),)), endpoint=silent,
    )  # fmt: skip


def test_a_question_is_recalled_by_its_members() -> None:
    """Every member that says something: what is left out is as in a question without it."""
    asked = question()
    said = members(asked.policies)
    left_out = {"cross_account_allowed", "sessions_always_bound"}  # as they usually are
    assert set(said) == {
        *PrincipalPolicies.__struct_fields__, *ApplicablePolicies.__struct_fields__,
    } - {"principal", "ids"} - left_out  # fmt: skip
    assert recalled(asked.context, said) == asked

    plain = Question(asked.context, ApplicablePolicies(PrincipalPolicies()))
    assert members(plain.policies) == {}
    assert recalled(plain.context, {}) == plain
    none_passed = ApplicablePolicies(PrincipalPolicies(session=((),)))
    assert members(none_passed) == {"session": ((),)}


def test_a_question_about_a_name_keeps_what_is_not_the_resources() -> None:
    """The caller's own policies and those of the network; nothing that is told of the resource."""
    asked = question()
    known = about_a_name(asked, "a name", {"d:e": "f"})
    context = known.context
    assert context == msgspec.structs.replace(asked.context, resource="a name", keys={"d:e": "f"})
    assert isinstance(context, RequestContext)
    assert known.policies.principal is asked.policies.principal
    kept = set(members(known.policies)) - set(PrincipalPolicies.__struct_fields__)
    assert kept == {facts.part for facts in KINDS.values() if facts.whose is Whose.NETWORK}
