"""What would take too long is refused, the same wherever it is asked (threat-model PE-5)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.policy.enforcement.enforce import Enforcer
from keystead.policy.evaluation import budget
from keystead.policy.evaluation.budget import LONGEST_TEXT, MOST_STEPS, is_exceeded, work
from keystead.policy.evaluation.decision import OVER_BUDGET, Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PrincipalPolicies,
    Question,
    RefusedQuestion,
    RequestContext,
)
from keystead.policy.reasons.cross_account import refusal
from keystead.policy.reasons.explain import explain
from keystead.policy.reasons.possibility import Verdict, possible
from keystead.policy.reasons.scenario import decide_line
from keystead.policy.reasons.screen import render
from keystead.policy.reasons.simulation import simulate
from keystead.refusals.disclosure import disclose
from keystead.server.telemetry import logs
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    OTHER,
    ROOT,
    Statement,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    evaluate,
    key_policy,
    own,
    to,
)
from tests.server.installations import open_local

SEARCH = "*a?b*"
DELEGATES = key_policy(allow(**to(ROOT)))


def like(*patterns: str, key: str = "app:x", operator: str = "StringLike") -> Statement:
    """A Deny when a key matches."""
    return deny(Condition={operator: {key: list(patterns)}})


def policies(*statements: Statement, **more: Any) -> ApplicablePolicies:
    """Alice may do everything with the key, but for these."""
    return about_key((own(allow(), *statements),), (DELEGATES,), **more)


def decided(context: RequestContext, documents: ApplicablePolicies) -> bool:
    """May they?  Asked in every way that there is, and each must say the same."""
    defined = evaluate(context, documents)
    enforcer = Enforcer()
    for enforced in (
        enforcer.decide(Question(context, documents)),
        enforcer.decide(Question(context, documents)),
    ):
        assert (enforced.outcome, enforced.over_budget) == (defined.outcome, defined.over_budget)
    assert enforcer.disagreements == 0
    simulated = simulate(Question(context, documents))
    assert simulated.outcome is defined.outcome
    explained = explain(Question(context, documents))
    assert explained.decision == defined
    could = possible(Question(context, documents), lambda _: False)
    assert (could.verdict is Verdict.CAN) is defined.allowed
    if defined.over_budget:
        assert defined.outcome is Outcome.EXPLICITLY_DENIED
        assert defined.trace == (OVER_BUDGET,)
        assert (explained.considered, explained.changes) == ((), ())
        assert (simulated.statements, simulated.missing, simulated.kinds) == ((), (), {})
        assert could.decision == defined
    else:
        assert explained.considered
    return defined.allowed


def steps(documents: ApplicablePolicies, context: RequestContext) -> int:
    """What a decision may take."""
    taken = work(documents, context.action)
    total = taken.steps
    for search in taken.searches:
        value = context.resource if search.subject == "resource" else context.keys[search.subject]
        total += sum(map(search.steps, [value] if isinstance(value, str) else value))
    return total


@pytest.mark.parametrize(
    "statement",
    [
        like(SEARCH),
        like("*a*"),
        like("a?c"),
        like("a*", SEARCH),
        like(SEARCH, operator="StringLikeIfExists"),
        deny(Condition={"StringNotLike": {"app:x": [SEARCH, "x*"]}}),
        like("${app:y}*"),
        like("a:b:c:d:*e*:f", operator="ArnLike"),
        like("x", operator="StringEqualsIgnoreCase"),
        like("YQ==", operator="BinaryEquals"),
    ],
)
def test_a_text_that_is_too_long_to_be_searched(statement: Statement) -> None:
    """One character less, and it is searched."""
    documents, text = policies(statement), "x" * LONGEST_TEXT

    assert decided(ask(app__x=text, app__y="y"), documents)
    assert not decided(ask(app__x=text + "x", app__y="y"), documents)


@pytest.mark.parametrize(
    "statement",
    [
        like("a*"),
        like("a*b", "*c"),
        like("x", operator="StringEquals"),
        like("${app:y}", operator="StringEquals"),
        like("1", operator="NumericEquals"),
        like("true", operator="Bool"),
        like("10.0.0.0/8", operator="IpAddress"),
        like("arn:aws:kms:*:*:key/*", operator="ArnLike"),
        like("false", operator="Null", key="app:y"),
        like(SEARCH, key="app:z"),
        deny("s3:*", Condition={"StringLike": {"app:x": SEARCH}}),
    ],
)
def test_what_is_not_searched_may_be_long(
    statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparing a beginning and an end takes no time, nor does what is not asked."""
    monkeypatch.setattr(budget, "MOST_STEPS", 0)
    assert decided(ask(app__x="x" * 100_000), policies(statement))


def test_a_long_resource() -> None:
    """A resource is a text like others; `*` does not look at it."""
    resource, pattern = "arn:aws:kms:eu:1:" + "x" * LONGEST_TEXT, "arn:aws:kms:eu:1:*a*b*"

    assert not decided(ask(resource=resource), policies(deny(resource=pattern)))
    assert decided(ask(resource=resource[:LONGEST_TEXT]), policies(deny(resource=pattern)))
    assert decided(ask(resource=resource), policies(deny(resource=[pattern, "*"], action="s3:*")))
    assert decided(ask(resource=resource), policies(allow(resource=[pattern, "*"])))


def many(count: int) -> list[Statement]:
    """Statements of which each compares ten patterns that are not found."""
    return [like(*(f"*{i}?{j}*" for j in range(10))) for i in range(count)]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> int:
    """A fiftieth of the budget: what is allowed takes time."""
    monkeypatch.setattr(budget, "MOST_STEPS", MOST_STEPS // 50)
    return MOST_STEPS // 50


def test_one_statement_more_is_one_too_many(little: int) -> None:
    """What all documents take together counts, and how long the texts are."""
    context = ask(app__x="-" * 200)
    each = steps(policies(*many(1)), context)
    most = little // each

    assert most > 2
    assert decided(context, policies(*many(most)))
    assert not decided(context, policies(*many(most + 1)))
    assert decided(ask(app__x="-" * 20), policies(*many(most + 1)))
    assert decided(ask(), policies(*many(most + 1)))


@pytest.mark.parametrize(
    "statement",
    [
        like("v", operator="ForAnyValue:StringEquals"),
        like("${app:y}", operator="ForAnyValue:StringEquals"),
        like(*(f"v{i}*" for i in range(10)), operator="ForAnyValue:StringLike"),
        like("1", operator="ForAllValues:NumericEquals"),
        like("10.0.0.0/8", operator="ForAnyValue:IpAddress"),
    ],
)
def test_a_list_of_values(statement: Statement, little: int) -> None:
    """Each value is compared with each of the statement's."""
    documents = policies(statement)
    one = steps(documents, ask(app__x=("-",)))
    most = little // one

    assert most > 20
    assert decided(ask(app__x=("-",) * most), documents)
    assert not decided(ask(app__x=("-",) * (most + 1)), documents)


@pytest.mark.parametrize("kind", range(7))
def test_every_document_counts(kind: int, little: int) -> None:
    """Wherever it is attached; what is asked of another action does not."""
    statements = [{**one, "Action": "kms:*"} for one in many(3)]
    half, context = own(allow(), *statements), ask(app__x="-" * 200)
    places: list[dict[str, Any]] = [
        {"identity_based": (half, half)},
        {"boundary": ceiling(allow(), *statements)},
        {"session": ((half,),)},
        {"service_control": ((half,),)},
        {"resource_control": ((half,),)},
        {"endpoint": half},
        {"resource_based": (half,)},
    ]
    beside = places[kind]
    own_names = PrincipalPolicies.__struct_fields__
    principal = PrincipalPolicies(
        **{"identity_based": (half,), **{k: v for k, v in beside.items() if k in own_names}}
    )
    rest = {k: v for k, v in beside.items() if k not in own_names}
    both = ApplicablePolicies(principal, **rest)

    alone = ApplicablePolicies(PrincipalPolicies((half,)))
    assert little / 2 < steps(alone, context) < little
    assert not evaluate(context, alone).over_budget
    assert evaluate(context, both).over_budget
    assert not evaluate(ask(action="s3:GetObject", app__x="-" * 200), both).over_budget
    assert not evaluate(ask(action="sts:GetCallerIdentity", app__x="-" * 200), both).over_budget
    assert Enforcer().decide(Question(context, both)).over_budget


def test_actions_are_searched_too(little: int) -> None:
    """So many that no request could afford them: the documents are not even compiled."""
    searching = deny([f"kms:*{i}?x*" for i in range(10)])
    most = little // work(policies(searching), "kms:Encrypt").steps

    assert decided(ask(), policies(*[searching] * most))
    assert not decided(ask(), policies(*[searching] * (most + 1)))
    assert work(policies(*[searching] * (most + 1)), "kms:Encrypt").is_hopeless


@pytest.mark.parametrize(
    "statement",
    [
        like(SEARCH),
        deny("kms:*x?*"),
        deny(resource="arn:aws:kms:*:*:*a?b*"),
        like("1", operator="ForAnyValue:Bool"),
    ],
)
def test_as_much_as_may_be_is_not_too_much(
    statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes just the budget is decided."""
    documents, context = policies(statement), ask(app__x=("-",))
    needed = steps(documents, context)

    monkeypatch.setattr(budget, "MOST_STEPS", needed)
    assert decided(context, documents)
    monkeypatch.setattr(budget, "MOST_STEPS", needed - 1)
    assert not decided(context, documents)


def test_nothing_fits_beside_as_much_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the actions alone take just the budget, a search more is one too many."""
    actions, context = deny("kms:*x?*"), ask(app__x="-")
    monkeypatch.setattr(budget, "MOST_STEPS", work(policies(actions), context.action).steps)

    assert decided(context, policies(actions))
    assert decided(context, policies(actions, like("a*")))
    assert not decided(context, policies(actions, like(SEARCH)))


@pytest.mark.parametrize(
    "statement",
    [
        like("v", operator="ForAnyValue:StringEquals"),
        like("true", operator="ForAnyValue:Bool"),
        like("1", operator="ForAnyValue:NumericEquals"),
        like("10.0.0.0/8", operator="ForAnyValue:IpAddress"),
        like("a*", operator="ForAnyValue:StringLike"),
    ],
)
def test_a_list_of_long_texts_that_are_not_searched(statement: Statement) -> None:
    """That there are several values makes none of them too long."""
    assert decided(ask(app__x=("x" * 100_000,) * 3), policies(statement, statement))


def test_the_case_of_an_action_does_not_matter() -> None:
    """A statement about the action counts, however the request spells it."""
    for action in ("kms:Encrypt", "KMS:ENCRYPT", "kms:encrypt"):
        documents = policies(deny("kms:enc*", Condition=like(SEARCH)["Condition"]))
        assert decided(ask(action=action, app__x="x" * LONGEST_TEXT), documents)
        assert not decided(ask(action=action, app__x="x" * (LONGEST_TEXT + 1)), documents)


def test_what_needs_no_permission_takes_no_time() -> None:
    """No document is compared for it, so none can be too much."""
    anything = deny("*", Condition=like(SEARCH)["Condition"])
    documents, context = policies(anything), ask(app__x="x" * (LONGEST_TEXT + 1))

    assert evaluate(context, documents).over_budget
    identity = msgspec.structs.replace(context, action="sts:GetCallerIdentity")
    enforcer = Enforcer()
    assert [enforcer.decide(Question(identity, documents)).allowed for _ in range(2)] == [
        True,
        True,
    ]
    assert enforcer.disagreements == 0
    assert not is_exceeded(Question(identity, documents))


@pytest.mark.parametrize(
    ("statement", "passes"),
    [
        (like("*a*"), 1),
        (like("a?"), 1),
        (like("*a*", "b*c", "*d?*"), 2),
        (like("${app:y}*"), 1),
        (like("a:b:c:d:*e*:f", operator="ArnLike"), 1),
        (like("x", "y", operator="StringEqualsIgnoreCase"), 1),
        (like("x", "${app:y}", operator="StringEqualsIgnoreCase"), 2),
        (like("YQ==", "YQ==", operator="BinaryEquals"), 1),
        (like("x", operator="ForAnyValue:StringEquals"), 0),
        (like("${app:y}", operator="ForAnyValue:StringEquals"), 1),
        (like("1", "2", operator="ForAllValues:NumericEquals"), 0),
        (like("*a*", operator="ForAnyValue:StringLike"), 1),
        (like("${app:y}*", operator="ForAnyValue:StringLike"), 1),
        (deny(Condition={op: {"app:x": "*a*"} for op in ("StringLike", "StringNotLike")}), 2),
    ],
)
def test_a_text_is_read_so_often(statement: Statement, passes: int) -> None:
    """Once for each pattern that searches it, once for all values that it is compared with."""
    documents = policies(statement)
    short, long = (
        steps(documents, ask(app__x=("-" * length,), app__y="y")) for length in (100, 300)
    )
    assert long - short == 200 * passes


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (like("*a*"), like("*a*b*")),
        (like("a?"), like("a?b?")),
        (like("*ab*"), like("*a?*")),
        (like("a?b"), like("*a?*")),
        (like("*a?*"), like("*a?*b?c*")),
        (like("*a*b*"), like("*${app:y}*b*")),
        (like("${app:y}*"), like("${app:y}${app:y}*")),
        (
            like("x", operator="StringEqualsIgnoreCase"),
            like("${app:y}", operator="StringEqualsIgnoreCase"),
        ),
        (
            like("v", operator="ForAnyValue:StringEquals"),
            like("${app:y}", operator="ForAnyValue:StringEquals"),
        ),
        (
            like("true", operator="ForAnyValue:Bool"),
            like("1", operator="ForAnyValue:NumericEquals"),
        ),
        (
            like("1", operator="ForAnyValue:NumericEquals"),
            like("::1", operator="ForAnyValue:IpAddress"),
        ),
        (like("*a*"), like("*a*", operator="ForAnyValue:StringLike")),
        (
            like("x", operator="StringEqualsIgnoreCase"),
            like("x", operator="ForAnyValue:StringEqualsIgnoreCase"),
        ),
    ],
)
def test_what_takes_longer_counts_more(less: Statement, more: Statement) -> None:
    """Each piece of a pattern counts, a hole that is searched, a variable, a value that is read."""
    context = ask(app__x=("-",), app__y="y")
    assert 0 < steps(policies(less), context) < steps(policies(more), context)


def test_it_all_adds_up() -> None:
    """Statements, the elements of one, and the values that each value is compared with."""
    context = ask(app__x=("-",))
    action, resource = deny("kms:*n?r*"), deny(resource="arn:aws:kms:*:*:*a?b*")
    searching = [action, resource, like("*a*"), like(SEARCH, operator="ForAnyValue:StringLike")]
    apart = [steps(policies(one), context) for one in searching]
    together = {**searching[3], "Action": action["Action"], "Resource": resource["Resource"]}

    assert min(apart) > 0
    assert steps(policies(*searching), context) == sum(apart)
    assert steps(policies(*searching, *searching), context) == 2 * sum(apart)
    assert steps(policies(together), context) == apart[0] + apart[1] + apart[3]

    numbers = [
        like(*map(str, range(count)), operator="ForAnyValue:NumericEquals") for count in (1, 11, 21)
    ]
    one, some, more = (steps(policies(each), context) for each in numbers)
    assert more - some == some - one > 0


def test_a_star_in_a_text_is_no_wildcard() -> None:
    """Where texts are compared for what they are, it takes as long as any other character."""
    context = ask(app__x=("-",))
    star, letter = (
        policies(like("${app:y}a" + char + "b", operator="StringEqualsIgnoreCase")) for char in "*c"
    )
    assert 0 < steps(star, context) == steps(letter, context)


@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIgnoreCase"])
def test_a_text_is_looked_up_among_many(operator: str) -> None:
    """It takes no longer when a statement has more texts."""
    context = ask(app__x=("-",))
    one, many = (
        policies(like(*map(str, range(count)), operator=f"ForAnyValue:{operator}"))
        for count in (1, 50)
    )
    assert 0 < steps(one, context) == steps(many, context)


def test_a_person_reads_why() -> None:
    """And what would help; without the pattern that is no matter."""
    context = ask(app__x="x" * (LONGEST_TEXT + 1))
    told = render(explain(Question(context, policies(like(SEARCH)))))
    assert told.startswith("ExplicitlyDenied  because the comparison would take too long\n")
    assert "0 budget" in told
    assert told.endswith("fewer or simpler patterns, or shorter texts in the request")
    assert render(explain(Question(context, policies(like("b*"))))).startswith("Allowed")


def test_grants_do_not_count() -> None:
    """There may be many on a key, and they hold no patterns."""
    searching = {**like(SEARCH), "Effect": "Allow", **to(ROOT)}
    documents = about_key((own(allow()),), (DELEGATES,), grants=(key_policy(searching),))
    assert decided(ask(app__x="x" * (LONGEST_TEXT + 1)), documents)


def test_documents_that_mean_something_are_far_from_it() -> None:
    """A caller with every quota used, by statements with variables, lists and searches."""
    usual = allow(
        ["s3:Get*", "kms:*crypt*", "*"],
        ["arn:aws:s3:::home/${aws:username}/*", "arn:aws:kms:*:*:key/*", "arn:aws:s3:::*-logs/*"],
        Condition={
            "StringLike": {"aws:PrincipalTag/team": ["*ops*", "dev-?-*"]},
            "ForAllValues:StringEquals": {"aws:TagKeys": [f"tag{i}" for i in range(20)]},
            "StringEqualsIgnoreCase": {"app:x": "${aws:username}"},
        },
    )
    context = ask(
        aws__username="alice",
        aws__principaltag_SLASH_team="operations-in-a-team-with-a-rather-long-name",
        aws__tagkeys=tuple(f"a-tag-that-is-named-{i}" for i in range(50)),
        app__x="alice",
    )
    managed = own(*[usual] * 8)
    documents = about_key((managed,) * 30, (key_policy(allow(**to(ROOT))),))

    assert steps(documents, context) < MOST_STEPS / 2
    assert not evaluate(context, documents).over_budget


def test_a_line_is_decided_so_too() -> None:
    """`keystead decide` refuses it, and says why."""
    line = {
        "id": 1,
        "principal": ALICE.arn,
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/k",
        "context": {"app:x": "x" * LONGEST_TEXT},
        "identityPolicies": [
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "*", "Resource": "*"},
                    {
                        "Effect": "Deny",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"StringLike": {"app:x": SEARCH}},
                    },
                ],
            }
        ],
    }
    assert json.loads(decide_line(json.dumps(line)))["decision"] == "Allowed"
    line["context"] = {"app:x": "x" * (LONGEST_TEXT + 1)}
    refused = json.loads(decide_line(json.dumps(line), explain=True))
    assert refused["decision"] == "ExplicitlyDenied"
    assert [one["step"] for one in refused["trace"]] == ["0 budget"]
    assert "take too long" in refused["trace"][0]["detail"]


def test_no_policy_is_to_blame() -> None:
    """Nothing was compared, so the sentence names no policy; to strangers it is as always."""
    documents, long = policies(like(SEARCH)), "x" * (LONGEST_TEXT + 1)
    ours, theirs = (
        evaluate(ask(account=account, app__x=long), documents) for account in (ACCOUNT, OTHER)
    )

    assert (ours.kind, ours.statements) == (None, ())
    assert ours.message.endswith(f"kms:Encrypt on resource: {KEY}")
    assert theirs.kind is PolicyKind.RESOURCE
    assert theirs.message.endswith("or a resource-based policy explicitly denies access")


def test_a_stranger_hears_what_is_always_said() -> None:
    """That another account's policy was too much is not told: it would say that there is one."""
    context = ask(account=OTHER, app__x="x" * (LONGEST_TEXT + 1))
    sentences = set()
    for key in (key_policy(allow(**to(ROOT))), key_policy({**like(SEARCH), "Principal": "*"})):
        documents = about_key((own(allow("s3:*")),), (key,))
        asked = RefusedQuestion(Question(context, documents))
        sentences.add(str(refusal(evaluate(context, documents), asked)))
        assert not disclose(asked).explicit_deny

    assert evaluate(context, documents).over_budget
    assert len(sentences) == 1
    assert "because no identity-based policy allows" in sentences.pop()


def test_a_strangers_own_documents_are_not_compared_for_its_sentence() -> None:
    """What was too much for the decision is too much for the words about it."""
    context = ask(account=OTHER, app__x="x" * (LONGEST_TEXT + 1))
    documents = about_key((own(allow(), deny(), like(SEARCH)),), (DELEGATES,))
    asked = RefusedQuestion(Question(context, documents))

    assert "or a resource-based policy explicitly denies access" in str(
        refusal(evaluate(context, documents), asked)
    )
    assert disclose(asked).explicit_deny
    shorter = msgspec.structs.replace(context, keys={"app:x": "x"})
    assert "explicit deny" in str(
        refusal(evaluate(shorter, documents), RefusedQuestion(Question(shorter, documents)))
    )


def test_the_server_refuses_and_raises_an_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A header is such a text. Its sender is refused, the operator is told, once a second."""
    local = open_local(tmp_path / "data")
    try:
        condition = {"StringLike": {"aws:UserAgent": "*bad?bot*"}}
        name = local.iam("GetUser").body.decode().partition("<UserName>")[2].partition("<")[0]
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny(Condition=condition)]})
        put = local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=document)
        assert put.status == 200, put.body

        def list_keys(agent: str) -> int:
            request = local.kms_request("ListKeys")
            headers = {**request.headers, "user-agent": agent}
            return local.send(msgspec.structs.replace(request, headers=headers)).status

        alarms = local.installation.metrics.alarms
        assert list_keys("x" * LONGEST_TEXT) == 200
        assert (list_keys("bad-bot"), alarms["policy budget"]) == (400, 0)
        assert list_keys("x" * (LONGEST_TEXT + 1)) == 400
        assert alarms["policy budget"] == 1
        assert local.events[-1].decisions[0].over_budget
        assert list_keys("x") == 200
        assert list_keys("x" * (LONGEST_TEXT + 1)) == 400
        told = [each for each in caplog.records if each.msg == "a decision would take too long"]
        outages = logs.Outages(lambda: 0.0)
        assert [outages.filter(each) for each in told] == [True, False]
        assert alarms["policy budget"] == 2
    finally:
        local.installation.close()
