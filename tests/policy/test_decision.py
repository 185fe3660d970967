"""What a refused caller is told: AWS's sentences (iam.md 7.1, kms.md 8.4)."""

import pytest

from keystead.policy.evaluation.decision import (
    AccessDenied,
    DecidingStatement,
    Decision,
    Outcome,
    Permit,
    PolicyKind,
)
from keystead.policy.evaluation.question import Question, RefusedQuestion
from tests.policy.support import (
    ALICE,
    KEY,
    OTHER,
    ROLE,
    about_key,
    allow,
    ask,
    evaluate,
    key_policy,
    to,
)

SENTENCE = f"User: {ALICE.arn} is not authorized to perform: kms:Encrypt on resource: {KEY}"
POLICY = "arn:aws:iam::111122223333:policy/Limits"


def told(
    kind: PolicyKind | None,
    outcome: Outcome = Outcome.IMPLICITLY_DENIED,
    *,
    policy: str = "inline",
    foreign: bool = False,
) -> str:
    """What comes after the resource."""
    statements: tuple[DecidingStatement, ...] = ()
    if kind is not None and outcome is Outcome.EXPLICITLY_DENIED:
        statements = (DecidingStatement(kind, policy, ALICE.arn, 0, "", "Deny"),)
    decision = Decision(outcome, ALICE.arn, "kms:Encrypt", KEY, kind, statements, foreign=foreign)
    assert decision.message.startswith(SENTENCE)
    return decision.message.removeprefix(SENTENCE).strip()


@pytest.mark.parametrize("kind", PolicyKind)
def test_nothing_allows(kind: PolicyKind) -> None:
    """The sentence names the kind of policy that does not allow."""
    assert told(kind) == f"because no {kind.value} allows the kms:Encrypt action"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (PolicyKind.IDENTITY, "an identity-based policy"),
        (PolicyKind.RESOURCE, "a resource-based policy"),
        (PolicyKind.BOUNDARY, "a permissions boundary"),
        (PolicyKind.SESSION, "a session policy"),
        (PolicyKind.ENDPOINT, "a VPC endpoint policy"),
        (PolicyKind.SERVICE_CONTROL, "a service control policy"),
        (PolicyKind.RESOURCE_CONTROL, "a resource control policy"),
        (PolicyKind.TRUST, "the role trust policy"),
    ],
)
def test_something_denies(kind: PolicyKind, words: str) -> None:
    """The sentence names the kind that denies, and the policy where AWS does."""
    assert told(kind, Outcome.EXPLICITLY_DENIED) == f"with an explicit deny in {words}"
    named = told(kind, Outcome.EXPLICITLY_DENIED, policy=POLICY)
    silent = kind in (PolicyKind.RESOURCE, PolicyKind.TRUST, PolicyKind.ENDPOINT)
    assert named == f"with an explicit deny in {words}{'' if silent else f': {POLICY}'}"


def test_no_kind_no_reason() -> None:
    """What AWS keeps for itself is refused without a reason."""
    assert told(None) == ""


@pytest.mark.parametrize("kind", [PolicyKind.IDENTITY, PolicyKind.BOUNDARY, PolicyKind.SESSION])
def test_what_strangers_hear(kind: PolicyKind) -> None:
    """Of another account's key one sentence, and what the own side lacks (kms.md 8.4, KM-2)."""
    here = "User: {} is not authorized to perform: kms:Encrypt on this resource because ".format
    sentence = here(ALICE.arn) + (
        "the resource does not exist in this Region, no resource-based policies allow access, or a"
        " resource-based policy explicitly denies access"
    )

    def message(of: PolicyKind, outcome: Outcome = Outcome.IMPLICITLY_DENIED) -> str:
        return Decision(outcome, ALICE.arn, "kms:Encrypt", KEY, of, foreign=True).message

    assert message(kind) == here(ALICE.arn) + f"no {kind.value} allows the kms:Encrypt action"
    assert message(PolicyKind.RESOURCE) == sentence
    assert message(PolicyKind.RESOURCE, Outcome.EXPLICITLY_DENIED) == sentence
    own = told(kind, Outcome.EXPLICITLY_DENIED, foreign=True)
    assert own == told(kind, Outcome.EXPLICITLY_DENIED)


def test_another_account_s_control_policy_is_not_named() -> None:
    """The kind of a policy over the resource is told to strangers, its ARN is not."""
    explicit, kind = Outcome.EXPLICITLY_DENIED, PolicyKind.RESOURCE_CONTROL
    assert told(kind, explicit, policy=POLICY).endswith(POLICY)
    assert told(kind, explicit, policy=POLICY, foreign=True).endswith("a resource control policy")
    ours = told(PolicyKind.SERVICE_CONTROL, explicit, policy=POLICY, foreign=True)
    assert ours.endswith(POLICY)


def test_the_evaluator_knows_strangers() -> None:
    """A question about another account's key is marked as one."""
    named = about_key((), (key_policy(allow(**to(ALICE.arn))),))
    assert evaluate(ask(account=OTHER), named).foreign
    assert not evaluate(ask(), named).foreign


def test_a_refusal_carries_its_decision() -> None:
    """AccessDenied says the decision's sentence, unless the caller must hear another."""
    decision = evaluate(ask(), about_key())
    assert AccessDenied(decision).message == decision.message
    assert AccessDenied(decision).decision is decision
    assert AccessDenied(decision, "No.").message == "No."


def test_assuming_a_role_has_its_own_kind() -> None:
    """Where STS asks, the resource's policy is the role's trust policy."""
    decision = evaluate(ask(action="sts:AssumeRole", resource=ROLE), about_key())
    assert decision.message.endswith(
        "because no role trust policy allows the sts:AssumeRole action"
    )


@pytest.mark.parametrize("action", ["sts:AssumeRole", "STS:AssumeRole"])
@pytest.mark.parametrize("kind", [PolicyKind.IDENTITY, PolicyKind.TRUST])
def test_strangers_hear_of_a_role_what_they_hear_of_a_key(action: str, kind: PolicyKind) -> None:
    """Whether it exists or does not trust them: its trust policy does not allow (iam.md 7.4)."""
    decision = Decision(Outcome.IMPLICITLY_DENIED, ALICE.arn, action, ROLE, kind, foreign=True)
    assert decision.message == (
        f"User: {ALICE.arn} is not authorized to perform: {action} on resource: {ROLE}"
        f" because no role trust policy allows the {action} action"
    )


@pytest.mark.parametrize("kind", [PolicyKind.SERVICE_CONTROL, PolicyKind.ENDPOINT])
def test_strangers_hear_of_their_own_side(kind: PolicyKind) -> None:
    """What bounds the caller is no secret of the resource's account."""
    assert told(kind, foreign=True) == f"because no {kind.value} allows the kms:Encrypt action"


def test_an_inline_policy_is_not_named() -> None:
    """Only what has an ARN is: the first policy that denies, and only when one does."""
    explicit, kind = Outcome.EXPLICITLY_DENIED, PolicyKind.IDENTITY
    for name in ("inline", "not-arn:", "arn", ""):
        assert told(kind, explicit, policy=name).endswith("an identity-based policy")
    both = tuple(
        DecidingStatement(kind, name, ALICE.arn, 0, "", "Deny") for name in (POLICY, "inline")
    )
    first = Decision(explicit, ALICE.arn, "kms:Encrypt", KEY, kind, both)
    assert first.message.endswith(f"an identity-based policy: {POLICY}")
    unknown = Decision(explicit, ALICE.arn, "kms:Encrypt", KEY, kind)
    assert unknown.message.endswith("an identity-based policy")


def test_a_refusal_has_a_code_for_each_protocol() -> None:
    """AccessDeniedException with 400 in JSON, AccessDenied with 403 in the Query protocol (7.2)."""
    refusal = AccessDenied(evaluate(ask(), about_key()))
    assert (refusal.code, refusal.status) == ("AccessDeniedException", 400)
    assert (refusal.query_code, refusal.query_status) == ("AccessDenied", 403)


def test_a_refusal_without_a_decision_has_words_of_its_own() -> None:
    """What was refused before anything was decided."""
    assert AccessDenied(None, "No.").message == "No."
    assert str(AccessDenied(None, "No.")) == "No."
    assert AccessDenied(None, "No.").decision is None
    assert AccessDenied(None).message is None  # where AWS sends none at all


def test_a_refusal_in_other_words_can_still_be_explained() -> None:
    """The decision and the question stay."""
    asked = RefusedQuestion(
        Question(ask(), about_key()), frozenset({"aws:resourcetag/team"}), "alias/app"
    )
    refusal = AccessDenied(evaluate(ask(), about_key()), asked=asked)
    assert refusal.asked is asked
    reworded = refusal.reworded("Not found, or not yours.")
    assert reworded.message == "Not found, or not yours."
    assert (reworded.decision, reworded.asked) == (refusal.decision, asked)


def test_a_permit_of_the_system_says_so() -> None:
    """What no caller asked for is told apart from what a policy allowed."""
    permit = Permit.for_system(KEY, "kms:RotateKeyOnDemand", "its period is over")
    assert (permit.resource, permit.action) == (KEY, "kms:RotateKeyOnDemand")
    assert permit.reason == "system: its period is over"
