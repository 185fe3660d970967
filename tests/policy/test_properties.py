"""What holds for every decision, whatever the policies say."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.policy.enforcement.enforce import Enforcer
from keystead.policy.evaluation.decision import Outcome, PolicyKind
from keystead.policy.evaluation.layers import places, sources_at, with_sources
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalType,
    Question,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind
from keystead.policy.language.statements import Statement
from keystead.policy.reasons.changes import What
from keystead.policy.reasons.explain import explain
from tests.policy.generators import questions, sources
from tests.policy.support import allow, deny, evaluate, policy, to

patient = settings(suppress_health_check=[HealthCheck.too_slow])
several = settings(patient, max_examples=25)
many = settings(patient, max_examples=200)
Asked = tuple[RequestContext, ApplicablePolicies]


@many
@given(questions())
def test_enforcement_is_evaluation(asked: Asked) -> None:
    """The residual allows exactly what the interpreter allows, by the same kind of policy."""
    enforcer = Enforcer()
    defined = evaluate(*asked)
    for _ in range(2):  # compiled, then kept
        decision = enforcer.decide(Question(*asked))
        assert (decision.outcome, decision.kind) == (defined.outcome, defined.kind)
    assert enforcer.disagreements == 0


@several
@given(st.lists(questions(), min_size=2, max_size=4))
def test_enforcement_keeps_questions_apart(asked: list[Asked]) -> None:
    """One enforcer answers many questions, each as if it were alone."""
    enforcer = Enforcer()
    for context, policies in [*asked, *asked]:
        assert (
            enforcer.decide(Question(context, policies)).outcome
            is evaluate(context, policies).outcome
        )
    assert enforcer.disagreements == 0


@several
@given(st.lists(questions(), min_size=2, max_size=4))
def test_a_residual_serves_every_caller(asked: list[Asked]) -> None:
    """The same documents and action, asked by others about others, give their own answers."""
    enforcer = Enforcer()
    _, policies = asked[0]
    for context, _ in asked:
        assert (
            enforcer.decide(Question(context, policies)).outcome
            is evaluate(context, policies).outcome
        )
    assert enforcer.disagreements == 0


def changed(asked: Asked, data: st.DataObject, statement: dict[str, Any]) -> Asked:
    """One more statement in some policy that has a say, if it may have it."""
    context, policies = asked
    question = Question(context, policies)
    taken = [place for place in places(question) if sources_at(policies, place)]
    if not taken:
        return asked
    place = data.draw(st.sampled_from(taken))
    first, *rest = sources_at(policies, place)
    named = {**statement, **to("*")} if place.kind in _NAMED else statement
    added = policy(named, kind=_NAMED.get(place.kind, DocumentKind.SCP)).statements
    longer = msgspec.structs.replace(
        first.policy, id="longer", statements=(*first.policy.statements, *added)
    )
    new = (PolicySource(longer, first.id), *rest)
    return context, with_sources(policies, place, new)


_NAMED = {
    PolicyKind.RESOURCE: DocumentKind.KEY,
    PolicyKind.ENDPOINT: DocumentKind.ENDPOINT,
    PolicyKind.RESOURCE_CONTROL: DocumentKind.RESOURCE,
}


@patient
@given(questions(), st.data())
def test_adding_a_deny_never_allows(asked: Asked, data: st.DataObject) -> None:
    """Whatever a Deny says and wherever it is added."""
    more = changed(asked, data, dict(deny(data.draw(st.sampled_from(["*", "kms:Encrypt"])))))
    if not evaluate(*asked).allowed:
        assert not evaluate(*more).allowed


@patient
@given(questions(), st.data())
def test_removing_an_allow_never_allows(asked: Asked, data: st.DataObject) -> None:
    """What is refused with one more Allow is refused without it."""
    more = changed(asked, data, dict(allow(data.draw(st.sampled_from(["*", "kms:Encrypt"])))))
    if not evaluate(*more).allowed:
        assert not evaluate(*asked).allowed


def backwards(source: PolicySource) -> PolicySource:
    turned = msgspec.structs.replace(source.policy, statements=source.policy.statements[::-1])
    return msgspec.structs.replace(source, policy=turned)


@patient
@given(questions())
def test_order_never_matters(asked: Asked) -> None:
    """Policies, statements and values of the request in another order decide the same."""
    context, policies = asked
    turned = policies
    for place in places(Question(context, policies)):
        found = sources_at(policies, place)
        if found:
            turned = with_sources(turned, place, tuple(backwards(one) for one in found[::-1]))
    turned = msgspec.structs.replace(turned, grants=policies.grants[::-1])
    keys = {
        name: value if isinstance(value, str) else value[::-1]
        for name, value in reversed(list(context.keys.items()))
    }
    before, after = evaluate(*asked), evaluate(msgspec.structs.replace(context, keys=keys), turned)
    assert (before.outcome, before.kind) == (after.outcome, after.kind)


@patient
@given(questions(), st.data())
def test_a_session_is_never_more_than_its_role(asked: Asked, data: st.DataObject) -> None:
    """Passing a session policy, or setting a boundary, takes away and never gives."""
    context, policies = asked
    own = msgspec.structs.replace(policies.principal, boundary=None, session=())
    if context.principal.type.value == "FederatedUser":
        own = msgspec.structs.replace(own, session=((),))
    free = msgspec.structs.replace(policies, principal=own)
    passed = data.draw(
        st.lists(st.tuples(sources(DocumentKind.SESSION)), min_size=1, max_size=3).map(tuple)
    )
    limited = msgspec.structs.replace(own, session=passed, boundary=policies.principal.boundary)
    bound = msgspec.structs.replace(policies, principal=limited)
    if not evaluate(context, free).allowed and context.principal.type.value != "FederatedUser":
        assert not evaluate(context, bound).allowed


@patient
@given(questions(), sources(DocumentKind.SESSION))
def test_what_is_narrowed_is_an_intersection(asked: Asked, scope: PolicySource) -> None:
    """One more scope-down policy leaves what was allowed before and what it allows, to anybody.

    Nothing else has a say: not how a resource's policy or a grant names the caller.
    """
    context, policies = asked
    levels = (*policies.principal.scope_down, (scope,))
    own = msgspec.structs.replace(policies.principal, scope_down=levels)
    narrowed = msgspec.structs.replace(policies, principal=own)
    matched = [one for one in scope.policy.statements if statement_matches(context, one)]
    scoped = any(one.allow for one in matched) and all(one.allow for one in matched)
    expected = evaluate(context, policies).allowed and scoped
    assert evaluate(context, narrowed).allowed is expected


def statement_matches(context: RequestContext, statement: Statement) -> bool:
    action = context.action.lower()
    return statement.actions.matches(action) and statement.applies(context.resource, context.keys)


@patient
@given(questions())
def test_the_smallest_change_allows(asked: Asked) -> None:
    """An explanation proposes nothing for what is allowed, and what allows otherwise."""
    explanation = explain(Question(*asked))
    if explanation.decision.allowed:
        assert explanation.changes == ()
        return
    explicit = explanation.decision.outcome is Outcome.EXPLICITLY_DENIED
    whats = [change.what for change in explanation.changes]
    if explicit and whats:
        assert whats[0] is What.AVOID
    context, policies = asked
    within = context.principal.account == context.resource_account
    shared = policies.principal.boundary is not None or policies.principal.service_control
    unnamed = context.principal.type in (PrincipalType.ACCOUNT, PrincipalType.ANONYMOUS)
    if explicit or shared or unnamed:
        return  # a Deny stays, and not every caller can be told from others
    if within or (policies.cross_account_allowed and context.principal.account):
        assert whats
