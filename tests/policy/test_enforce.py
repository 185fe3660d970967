"""Enforcement: quick, bounded, and never other than the definition."""

from types import CodeType

import msgspec
import pytest

from keystead.caches import Room
from keystead.policy.enforcement import enforce
from keystead.policy.enforcement.codegen import REFUSED, Shapes
from keystead.policy.enforcement.enforce import DISAGREEMENT, Enforcer
from keystead.policy.enforcement.specialise import compile_residual
from keystead.policy.evaluation.decision import Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    Question,
)
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    APP,
    OWNER,
    ROLE,
    ROOT,
    SESSION,
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
    to,
)

DELEGATES = key_policy(allow(**to(ROOT)))
SILENT = key_policy(allow("kms:Sign", **to(ROOT)))


def test_an_allowance_says_by_what() -> None:
    """From the second time on it comes without a trace, and names the same kind of policy."""
    enforcer = Enforcer()
    policies = about_key((own(allow()),), (DELEGATES,))
    first, second = (
        enforcer.decide(Question(ask(), policies)),
        enforcer.decide(Question(ask(), policies)),
    )
    assert first.trace
    assert not second.trace
    assert first.allowed
    assert second.allowed
    assert first.kind is second.kind is PolicyKind.IDENTITY
    assert (second.principal_arn, second.action) == (ALICE.arn, "kms:Encrypt")


def test_a_refusal_is_always_explained() -> None:
    """Refusals come from the interpreter, with their trace, every time."""
    enforcer = Enforcer()
    policies = about_key((), (DELEGATES,))
    for _ in range(2):
        assert enforcer.decide(Question(ask(), policies)).trace


def test_the_same_documents_elsewhere_are_the_same_decision() -> None:
    """Residuals are kept by what documents say, not by where they are attached or of which key."""
    enforcer = Enforcer()
    for name in ("one", "two"):
        identity = PolicySource(own(allow()).policy, name, f"arn:aws:iam::{ACCOUNT}:user/{name}")
        key = PolicySource(DELEGATES.policy, "default", name)
        decision = enforcer.decide(
            Question(
                ask(resource=f"arn:aws:kms:eu:{ACCOUNT}:key/{name}"), about_key((identity,), (key,))
            )
        )
        assert decision.allowed
        assert bool(decision.trace) is (name == "one")


@pytest.mark.parametrize("verdict", [REFUSED, PolicyKind.RESOURCE, None])
def test_a_difference_refuses_and_is_counted(
    verdict: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When residual and definition differ nobody is allowed, and it is not a secret."""
    monkeypatch.setattr(enforce, "compile_residual", lambda *_: lambda *_: verdict)
    enforcer = Enforcer()
    decision = enforcer.decide(Question(ask(), about_key((own(allow()),), (DELEGATES,))))
    assert decision.outcome is Outcome.IMPLICITLY_DENIED
    assert decision.trace[0] is DISAGREEMENT
    told = decision.trace[0]
    assert (told.step, told.kind, told.effect) == ("0 internal", None, "implicit deny")
    assert enforcer.disagreements == 1


def test_a_residual_that_was_wrong_is_never_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One difference, and these documents allow nobody anything; others still do."""
    allows = iter([lambda *_: PolicyKind.IDENTITY])  # a compiler that is wrong once
    monkeypatch.setattr(
        enforce, "compile_residual", lambda *a: next(allows, None) or compile_residual(*a)
    )
    enforcer = Enforcer()
    wrong, right = about_key((), (DELEGATES,)), about_key((own(allow()),), (DELEGATES,))
    assert [enforcer.decide(Question(ask(), wrong)).allowed for _ in range(3)] == [False] * 3
    assert enforcer.disagreements == 1
    assert [enforcer.decide(Question(ask(), right)).allowed for _ in range(2)] == [True, True]


def test_a_residual_that_refuses_too_much_is_noticed_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when it was right the first time."""
    answers = iter([PolicyKind.IDENTITY, REFUSED, REFUSED])
    monkeypatch.setattr(enforce, "compile_residual", lambda *_: lambda *_: next(answers))
    enforcer = Enforcer()
    policies = about_key((own(allow()),), (DELEGATES,))
    assert [enforcer.decide(Question(ask(), policies)).allowed for _ in range(3)] == [
        True,
        False,
        False,
    ]
    assert enforcer.disagreements == 2


def test_what_is_kept_is_bounded() -> None:
    """However many combinations there are, those used least recently go first."""
    room = Room(of_owner=60_000, in_all=100_000)
    enforcer = Enforcer(room)
    for i in range(10):
        enforcer.decide(Question(ask(), about_key((own(allow(Sid=f"S{i}")),), (DELEGATES,))))
        assert 0 < enforcer.kept_bytes < 2 * room.of_owner
    assert 1 < len(enforcer._residuals) < 10
    latest = enforcer.decide(Question(ask(), about_key((own(allow(Sid="S9")),), (DELEGATES,))))
    assert not latest.trace


def test_who_asks_is_no_part_of_what_is_kept() -> None:
    """One residual answers users, sessions and root alike, each by how they are named."""
    enforcer = Enforcer()
    policies = about_key((own(allow()),), (DELEGATES,))
    kinds = [enforcer.decide(Question(ask(who), policies)).kind for who in (ALICE, APP, OWNER)]
    assert kinds == [PolicyKind.IDENTITY, PolicyKind.IDENTITY, PolicyKind.RESOURCE]
    assert len(enforcer._residuals) == 1


def test_replacing_a_policy_replaces_what_it_is_kept_under() -> None:
    """The derived ids of a copy are those of its own documents."""
    enforcer = Enforcer()
    first = about_key((own(allow()),), (DELEGATES,))
    other = msgspec.structs.replace(first.principal, identity_based=(own(allow("s3:*")),))
    second = msgspec.structs.replace(first, principal=other)
    assert first.principal.ids != other.ids
    assert [enforcer.decide(Question(ask(), p)).allowed for p in (first, second, first)] == [
        True,
        False,
        True,
    ]
    forged = PrincipalPolicies((own(allow("s3:*")),), ids=first.principal.ids)
    assert forged.ids == other.ids


def test_no_text_of_a_document_becomes_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generated function is made of our own words, whatever documents say."""
    sources: list[str] = []

    def noted(_: Shapes, __: str, source: str) -> CodeType:
        sources.append(source)
        return compile(source, "<noted>", "exec")

    monkeypatch.setattr(Shapes, "code", noted)
    hostile = "x') or exit() #"
    condition = {"StringEquals": {f"aws:PrincipalTag/{hostile}": hostile}}
    statement = allow(resource=f"arn:aws:kms:*:*:key/{hostile}", Condition=condition)
    policies = about_key((own(allow("s3:*"), statement),), (DELEGATES,))
    Enforcer().decide(Question(ask(), policies))
    (source,) = sources
    assert "kms" not in source
    assert "exit" not in source
    assert not set(source) & set("'\"#\\")


def test_many_statements_are_no_obstacle() -> None:
    """The largest documents compile, and still decide right."""
    many = [allow(resource=f"arn:aws:kms:*:*:key/{i}") for i in range(400)]
    named = [allow(Condition={"Null": {"app:a": "true"}}, **to(ROOT)) for _ in range(300)]
    policies = about_key((own(*many, allow()),), (key_policy(*named),))
    enforcer = Enforcer()
    assert [enforcer.decide(Question(ask(), policies)).allowed for _ in range(2)] == [True, True]
    assert not enforcer.decide(Question(ask(app__a="x"), policies)).allowed
    assert enforcer.disagreements == 0


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        ([allow(**to(SESSION), Condition={"Bool": {"app:a": "true"}})], True),
        ([allow(**to(SESSION), Condition={"Bool": {"app:a": "false"}})], False),
        ([allow(**to(SESSION), resource="arn:aws:kms:*:*:alias/*")], False),
        ([allow("kms:Decrypt", **to(SESSION))], False),
        ([allow(**to(ROOT)), allow(**to(SESSION))], True),
        ([allow(**to(SESSION)), allow(**to(ROOT))], True),
        ([allow(**to(SESSION), Condition={"Bool": {"app:a": "false"}}), allow(**to(ROLE))], True),
        ([allow(**to(ROLE)), allow(**to(SESSION), Condition={"Bool": {"app:a": "false"}})], True),
        ([allow(**to(ROOT)), allow(**to(ROLE), Condition={"Bool": {"app:a": "false"}})], False),
        ([allow(**to(USER))], False),
    ],
)
def test_grants_are_read_as_they_are(grants: list[Statement], allowed: bool) -> None:
    """A grant allows when its statement applies; of several the one that names the caller best."""
    enforcer = Enforcer()
    sources = tuple(key_policy(statement) for statement in grants)
    policies = about_key((), (SILENT,), grants=sources)
    for _ in range(2):
        decision = enforcer.decide(Question(ask(APP, app__a="true"), policies))
        assert decision.allowed is allowed
        assert decision.outcome is evaluate(ask(APP, app__a="true"), policies).outcome
    assert enforcer.disagreements == 0


def test_other_documents_are_kept_under_another_name() -> None:
    """What is kept for some documents is never asked for others, wherever these have their say."""
    one, other = own(allow()), own(deny())
    ceilings = ceiling(allow()), ceiling(deny())
    holders = [
        PrincipalPolicies(),
        *(PrincipalPolicies(identity_based=given) for given in ((one,), (other,), (one, other))),
        *(PrincipalPolicies(boundary=given) for given in ceilings),
        *(
            holder
            for levels in (((),), ((one,),), ((other,),), ((one,), (other,)), ((one, other),))
            for holder in (
                PrincipalPolicies(session=levels),
                PrincipalPolicies(service_control=levels),
            )
        ),
    ]
    asked = [
        *(ApplicablePolicies(holder) for holder in holders),
        *(
            ApplicablePolicies(PrincipalPolicies(), resource_based=given)
            for given in ((one,), (other,), (one, other))
        ),
        ApplicablePolicies(PrincipalPolicies(), resource_policy_required=True),
        ApplicablePolicies(PrincipalPolicies(), cross_account_allowed=False),
        ApplicablePolicies(PrincipalPolicies(), sessions_always_bound=True),
        *(ApplicablePolicies(PrincipalPolicies(), endpoint=given) for given in (one, other)),
        *(
            ApplicablePolicies(PrincipalPolicies(), resource_control=levels)
            for levels in (((one,),), ((other,),), ((one,), (other,)), ((one, other),))
        ),
    ]

    names = [each.combination(action) for each in asked for action in ("kms:Encrypt", "kms:Sign")]

    assert len(set(names)) == len(names)


def test_the_same_documents_are_kept_under_the_same_name() -> None:
    """Wherever they have their say: it is the documents that count, not what they are called."""

    def named(name: str) -> ApplicablePolicies:
        def put(source: PolicySource) -> PolicySource:
            return PolicySource(source.policy, name, f"arn:aws:iam::{ACCOUNT}:user/{name}")

        one, other = put(own(allow())), put(own(deny()))
        holder = PrincipalPolicies((one, other), other, ((one,), (other,)), ((one,), (other, one)))
        return ApplicablePolicies(
            holder, (one, other), resource_control=((one,), (other,)), endpoint=other
        )

    assert named("one").combination("kms:Sign") == named("two").combination("kms:Sign")
