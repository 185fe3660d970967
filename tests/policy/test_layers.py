"""The one table of the kinds of policy: whatever is to mind a new kind is named here."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import keystead
from keystead.policy.enforcement import Enforcer
from keystead.policy.evaluation.decision import Outcome
from keystead.policy.evaluation.kinds import KINDS, Form, PolicyKind
from keystead.policy.evaluation.layers import Layer, places, sources_at, with_sources
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    Question,
    RefusedQuestion,
    RequestContext,
)
from keystead.policy.language.kinds import RULES
from keystead.policy.reasons.explain import explain
from keystead.refusals.written import Refusal, read, write
from tests.policy.support import ROLE, ask, evaluate, policy

EVERY_KIND = list(PolicyKind)
NO_POLICIES = {"principal", "grants", "resource_policy_required"} | {
    "cross_account_allowed",
    "sessions_always_bound",
}
"""Members of a question's policies that are of no kind; grants are statements of the resource's."""


def source(kind: PolicyKind, effect: str) -> PolicySource:
    """A policy of this kind with one statement, about everything that the kind may say."""
    rules = RULES[KINDS[kind].document]
    action = "sts:AssumeRole" if kind is PolicyKind.TRUST else "kms:*"
    if kind is PolicyKind.RESOURCE_CONTROL and effect == "Allow":
        action = "*"
    statement = {"Effect": effect, "Action": action}
    if rules.principal:
        statement["Principal"] = "*"
    if rules.resource:
        statement["Resource"] = "*"
    if kind not in (PolicyKind.TRUST, PolicyKind.RESOURCE, PolicyKind.RESOURCE_CONTROL):
        statement["Action"] = "*"
    return PolicySource(policy(statement, kind=KINDS[kind].document), f"{kind.name}-{effect}")


def asked_of(kind: PolicyKind) -> tuple[RequestContext, ApplicablePolicies]:
    """A question in which there is an Allow of every kind: a role's when its policy is a trust."""
    trust = kind is PolicyKind.TRUST
    context = ask(action="sts:AssumeRole", resource=ROLE) if trust else ask()
    policies = ApplicablePolicies(
        PrincipalPolicies(service_control=((),), scope_down=((),)),
        resource_control=((),),
        resource_policy_required=True,
    )
    for place in places(Question(context, policies)):
        policies = with_sources(policies, place, (source(place.kind, "Allow"),))
    return context, policies


def place_of(kind: PolicyKind) -> Layer:
    return Layer(kind)


def test_every_kind_has_a_row_and_every_member_is_of_a_kind() -> None:
    """What a question has and the table does not name would be asked of nobody."""
    assert set(KINDS) == set(PolicyKind)
    own = {facts.part for facts in KINDS.values() if facts.of_principal}
    others = {facts.part for facts in KINDS.values() if not facts.of_principal}
    assert own == set(PrincipalPolicies.__struct_fields__) - {"ids"}
    assert others == set(ApplicablePolicies.__struct_fields__) - NO_POLICIES


def test_places_are_in_the_order_of_the_steps() -> None:
    """The table's order is that in which the steps of an evaluation name their kinds."""
    for kind in EVERY_KIND:
        context, policies = asked_of(kind)
        taken = [place.kind for place in places(Question(context, policies))]
        steps = [one.kind for one in evaluate(context, policies).trace if one.step[0] != "1"]
        assert taken == [one for one in steps if one is not None]
        assert kind in taken


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_denial_counts_wherever_it_stands(kind: PolicyKind) -> None:
    """In evaluation, enforcement, explanation, and in a refusal that is written and read."""
    context, policies = asked_of(kind)
    assert evaluate(context, policies).allowed
    (allowing,) = sources_at(policies, place_of(kind))
    denying = source(kind, "Deny")
    denied = with_sources(policies, place_of(kind), (denying,))
    assert sources_at(denied, place_of(kind)) == (denying,)
    assert denying in denied.every
    assert allowing not in denied.every
    assert denied.combination(context.action) != policies.combination(context.action)

    enforcer = Enforcer()
    assert [enforcer.decide(Question(context, policies)).allowed for _ in range(2)] == [True, True]
    for decision in (evaluate(context, denied), enforcer.decide(Question(context, denied))):
        assert (decision.outcome, decision.kind) == (Outcome.EXPLICITLY_DENIED, kind)
    assert enforcer.disagreements == 0

    considered = {one.policy: one for one in explain(Question(context, denied)).considered}
    assert considered[denying.id].effect == "denies"
    assert considered[denying.id].level == (1 if KINDS[kind].form is Form.LEVELS else 0)

    when = datetime(2026, 1, 1, tzinfo=UTC)
    written, documents = write(
        Refusal("id", when, "", "", RefusedQuestion(Question(context, denied))), ()
    )
    again = read(written, documents.__getitem__).asked
    assert again is not None
    assert evaluate(again.question.context, again.question.policies).kind is kind


@pytest.mark.parametrize(
    "kind", [one for one in EVERY_KIND if one is not PolicyKind.RESOURCE_CONTROL]
)
def test_a_kind_that_must_allow_is_asked_by_enforcement_too(kind: PolicyKind) -> None:
    """A policy that says nothing refuses where all must allow, the same in both."""
    context, policies = asked_of(kind)
    silent = msgspec.structs.replace(source(kind, "Deny"), id="silent")
    silent = PolicySource(msgspec.structs.replace(silent.policy, statements=()), "silent")
    without = with_sources(policies, place_of(kind), (silent,))
    enforcer = Enforcer()
    defined = evaluate(context, without)
    for _ in range(2):
        assert enforcer.decide(Question(context, without)).outcome is defined.outcome
    assert enforcer.disagreements == 0


def spelt(name: str) -> set[str]:
    """The modules that name a kind of policy: as a member, an attribute or an argument."""
    root = Path(keystead.__file__).parent
    found = set()
    for room in ("policy", "refusals", "inquiry"):
        for path in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                named = (
                    (isinstance(node, ast.Attribute) and node.attr)
                    or (isinstance(node, ast.keyword) and node.arg)
                    or (isinstance(node, ast.Name) and node.id)
                    or ""
                )
                if named.lower() in (name, f"{name}_policy"):
                    found.add(path.relative_to(root).with_suffix("").as_posix())
    return found


SPELT = {
    "policy/language/kinds": "what its documents may say",
    "policy/language/validation": "what is refused when one is written",
    "policy/evaluation/kinds": "the table",
    "policy/evaluation/question": "where a question has it",
    "policy/evaluation/asking": "where a question gets it from",
    "policy/evaluation/steps": "its step",
    "policy/evaluation/evaluate": "when its step comes",
    "policy/enforcement/specialise": "what remains of its step",
    "policy/reasons/scenario": "how `keystead decide` reads it",
    "inquiry/past_refusals": "that a past request came by it",
    "inquiry/question": "that an operator supposes it",
}


def test_a_kind_is_spelt_in_few_places() -> None:
    """What a new kind has to touch: a module that is not listed here iterates over the table."""
    assert spelt("endpoint") == set(SPELT)
