"""What enforcement asks quickly is what the language says; what is not is noticed."""

import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.caches import weigh
from keystead.policy.enforcement import Enforcer, quick_statements
from keystead.policy.enforcement.enforce import DISAGREEMENT
from keystead.policy.enforcement.quick_conditions import _KEPT, _Answers, shortcut
from keystead.policy.enforcement.quick_statements import quick_form, weight
from keystead.policy.evaluation.question import ApplicablePolicies, Question, RequestContext
from keystead.policy.language.conditions import compile_condition
from keystead.policy.language.operators import OPERATORS, usage
from keystead.policy.language.principal import ContextValue
from keystead.policy.language.variables import Dialect, Texts
from tests.policy.generators import questions
from tests.policy.support import ROOT, about_key, allow, ask, deny, evaluate, key_policy, own, to

LATER, EARLIER = Dialect(), Dialect(variables=False)
DELEGATES = key_policy(allow(**to(ROOT)))

_OPERANDS = {
    "Numeric": ["2", "2.5", "-3"],
    "Date": ["2026-01-01", "0"],
    "Binary": ["aGVsbG8="],
    "Ip": ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32"],
}
_TEXTS = ["red", "RED", "r*d", "${aws:username}", "${aws:gone, 'red'}", "${*}", "true", "False", ""]
_TEXTS += ["arn:aws:sns:*:1:t", "arn:aws:sns:eu:1:${aws:username}", "${aws:list, 'red'}"]
_ACTUAL = [
    "red",
    "Red",
    "*",
    "r*d",
    "2",
    "2.0",
    "2026-01-01",
    "aGVsbG8=",
    "10.1.2.3",
    "TRUE",
    "",
    "x",
]
_ACTUAL += ["arn:aws:sns:eu:1:t", "2001:db8::1", "true", "false"]
_VALUES = st.none() | st.sampled_from(_ACTUAL) | st.lists(st.sampled_from(_ACTUAL)).map(tuple)


@given(st.data())
def test_quick_conditions_are_the_general_ones(data: st.DataObject) -> None:
    """Where there is a shortcut it answers as the table of all operators does."""
    operator = data.draw(st.sampled_from(list(OPERATORS.values())))
    plain = operator.family == "Null"
    prefix = "" if plain else data.draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
    suffix = "" if plain else data.draw(st.sampled_from(["", "", "IfExists"]))
    used = usage(prefix + operator.name + suffix)
    operands = st.sampled_from(_OPERANDS.get(operator.family, _TEXTS))
    written = tuple(data.draw(st.lists(operands, max_size=3)))
    allows = data.draw(st.booleans())
    dialect = data.draw(st.sampled_from([LATER, EARLIER]))
    actual = data.draw(_VALUES)
    keys: dict[str, ContextValue] = {"aws:username": "red", "aws:list": ("red",)}
    if actual is not None:
        keys["aws:key"] = actual
    quick = shortcut(used, "aws:key", written, dialect, allow=allows)
    if quick is not None:
        general = compile_condition(used, "aws:Key", written, Texts(dialect), allow=allows)
        assert quick(keys) is general.test(keys)


QUICK = [
    {"StringEquals": {"app:a": "x"}},
    {"StringEquals": {"app:a": "${app:b}"}},
    {"StringNotEquals": {"app:a": "y"}},
    {"StringLike": {"app:a": "x*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"NotIpAddress": {"aws:SourceIp": "192.168.0.0/16"}},
]
KEYS: dict[str, ContextValue] = {
    "app:a": "x",
    "app:b": "x",
    "aws:principalarn": "arn:aws:iam::111122223333:user/alice",
    "aws:securetransport": "true",
    "aws:sourceip": "10.1.2.3",
}


def asking(condition: object) -> tuple[RequestContext, ApplicablePolicies]:
    """A question that the condition decides: it holds."""
    context = msgspec.structs.replace(ask(), keys=KEYS)
    return context, about_key((own(allow(Condition=condition)),), (DELEGATES,))


@pytest.mark.parametrize("condition", QUICK, ids=str)
def test_each_of_these_has_a_shortcut(condition: object) -> None:
    """What is asked of nearly every call is asked quickly, and allows."""
    context, policies = asking(condition)
    (statement,) = policies.principal.identity_based[0].policy.statements
    assert quick_form(statement).tests[0] is not statement.conditions[0].test
    enforcer = Enforcer()
    assert [enforcer.decide(Question(context, policies)).allowed for _ in range(2)] == [True, True]


@pytest.mark.parametrize("condition", QUICK, ids=str)
def test_a_wrong_shortcut_of_a_condition_is_noticed(
    condition: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The definition does not share it: the two differ, nobody is allowed, and it is counted."""

    def wrong(*asked: object, **how: object) -> Callable[[object], bool] | None:
        right = shortcut(*asked, **how)  # type: ignore[arg-type]  # as it was asked
        return None if right is None else lambda keys: not right(keys)  # type: ignore[arg-type]  # as it was asked

    monkeypatch.setattr(quick_statements, "shortcut", wrong)
    context, policies = asking(condition)
    denies = about_key((own(allow(), deny(Condition=condition)),), (DELEGATES,))
    enforcer = Enforcer()
    for count, applicable in enumerate((policies, denies), 1):
        decision = enforcer.decide(Question(context, applicable))
        assert not decision.allowed
        assert decision.trace[0] is DISAGREEMENT
        assert enforcer.disagreements == count
    assert evaluate(context, policies).allowed
    assert not evaluate(context, denies).allowed


@pytest.mark.parametrize("resource", ["arn:aws:kms:*:*:alias/*", "arn:aws:s3:::bucket"])
def test_a_wrong_matcher_of_a_resource_is_noticed(
    resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shortcut that takes every resource for the right one allows nobody."""
    monkeypatch.setattr(quick_statements, "_matcher", lambda _: lambda _: True)
    enforcer = Enforcer()
    policies = about_key((own(allow(resource=resource)),), (DELEGATES,))
    decision = enforcer.decide(Question(ask(), policies))
    assert not decision.allowed
    assert decision.trace[0] is DISAGREEMENT
    assert enforcer.disagreements == 1


@given(questions())
def test_quick_forms_are_their_statements(
    asked: tuple[RequestContext, ApplicablePolicies],
) -> None:
    """In each of its ways to be asked a quick form applies when its statement does."""
    context, policies = asked
    resource, keys = context.resource, context.keys
    for source in policies.every:
        for statement in source.policy.statements:
            form, applies = quick_form(statement), statement.applies(resource, keys)
            assert form.applies(resource, keys) is applies
            if form.matcher is not None:
                assert form.matcher(resource) is form.resource(resource, keys)
            if form.keys_test is not None and form.tests:
                assert form.keys_test(keys) is applies
            assert not form.unconditional or applies


LONG = [
    {"StringEquals": {"app:a": [f"x{i}" for i in range(40)]}},
    {"NotIpAddress": {"aws:SourceIp": [f"10.{i}.0.0/16" for i in range(40)]}},
    {"StringLike": {"app:a": "*".join("abcdefgh") * 8}},
]


@pytest.mark.parametrize("condition", [*QUICK, *LONG], ids=lambda one: str(one)[:40])
def test_what_a_quick_form_takes_is_counted(condition: object) -> None:
    """Never less than it takes beside its statement, and a few times more at most."""
    resource = "arn:aws:kms:*:*:key/" + "*a?" * 20
    (statement,) = own(allow(resource=resource, Condition=condition)).policy.statements
    form, slow = quick_form(statement), {id(one.test) for one in statement.conditions}
    own_tests = [test for test in form.tests if id(test) not in slow]
    taken = sys.getsizeof(form) + weigh((form.matcher, own_tests))
    assert taken < weight(statement) < 4 * taken + 2_000


def test_few_answers_are_kept() -> None:
    """A quick condition remembers some short values, however many are asked; it never forgets
    what absence and several values mean.
    """
    answers = _Answers(lambda text: text == "7", when_absent=True, longest=3)
    for number in range(1000):
        assert answers[str(number)] is (number == 7)
        assert len(answers) <= _KEPT
    assert not answers["1000"]
    assert "1000" not in answers
    assert "999" in answers
    for _ in range(2):
        assert answers[None] is answers[()] is True
        assert answers[("7",)] is False
