"""Why it was decided so, and what would have to change (issue: reasons)."""

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.question import PolicySource, Question
from keystead.policy.language.document import DocumentKind
from keystead.policy.reasons.changes import What
from keystead.policy.reasons.explain import explain
from keystead.policy.reasons.scenario import principal_named
from keystead.policy.reasons.screen import render
from tests.policy.support import (
    ALICE,
    APP,
    KEY,
    OTHER,
    ROLE,
    ROOT,
    USER,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    elsewhere,
    key_policy,
    own,
    policy,
    to,
)

DELEGATES = key_policy(allow(**to(ROOT)))
OFFICE = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


def test_conditions_show_what_they_want_and_what_they_find() -> None:
    """Each condition of each statement, with expected and actual values."""
    policies = about_key((own(allow(Condition=OFFICE)),), (DELEGATES,))
    explanation = explain(Question(ask(aws__sourceip="192.0.2.1"), policies))
    identity = explanation.considered[1]
    assert (identity.kind, identity.effect) == (PolicyKind.IDENTITY, "says nothing")
    condition = identity.statements[0].conditions[0]
    assert condition.operator == "IpAddress"
    assert condition.key == "aws:SourceIp"
    assert condition.expected == ("10.0.0.0/8",)
    assert condition.actual == "192.0.2.1"
    assert not condition.met
    assert (
        explain(Question(ask(), policies)).considered[1].statements[0].conditions[0].actual is None
    )


def test_what_would_allow_names_the_caller_in_any_partition() -> None:
    """The statement that is proposed for a key policy is one that can be written there."""
    there = KEY.replace("arn:aws:kms:eu-central-1", "arn:aws-cn:kms:cn-north-1")
    user = USER.replace("arn:aws:", "arn:aws-cn:")
    alice = principal_named(user, "", "kms:Encrypt")
    changes = explain(Question(ask(alice, resource=there), about_key((own(allow()),)))).changes
    assert [change.statement["Principal"] for change in changes if change.statement] == [
        {"AWS": user}
    ]


def test_every_policy_is_considered_in_the_order_of_the_steps() -> None:
    """Control policies level by level, then the resource's, grants, and the caller's own."""
    policies = about_key(
        (own(allow()),),
        (DELEGATES,),
        boundary=ceiling(allow()),
        session=(ceiling(allow(), kind=DocumentKind.SESSION),),
        scps=((), (ceiling(allow(), kind=DocumentKind.SCP),)),
        grants=(PolicySource(policy(deny(**to(USER)), kind=DocumentKind.KEY), "grant-1"),),
    )
    considered = explain(Question(ask(APP), policies)).considered
    assert [(one.kind, one.policy, one.level) for one in considered] == [
        (PolicyKind.SERVICE_CONTROL, "scp", 2),
        (PolicyKind.RESOURCE, "default", 0),
        (PolicyKind.RESOURCE, "grant-1", 0),
        (PolicyKind.IDENTITY, "own", 0),
        (PolicyKind.BOUNDARY, "boundary", 0),
        (PolicyKind.SESSION, "session", 1),
    ]


def test_policies_of_the_resource_s_organization_are_considered_first() -> None:
    """Each level with its number, as the levels over the caller have theirs."""
    full = ceiling(allow("*", Principal="*"), kind=DocumentKind.RCP)
    denies = PolicySource(
        ceiling(deny(Principal="*"), kind=DocumentKind.RCP).policy, "Perimeter", OTHER
    )
    scps = ((ceiling(allow("*"), kind=DocumentKind.SCP),),)
    policies = about_key(resource_control=((full,), (denies,)), scps=scps)
    considered = explain(Question(ask(), policies)).considered
    assert [(one.policy, one.attached_to, one.level, one.effect) for one in considered] == [
        ("rcp", "", 1, "allows"),
        ("Perimeter", OTHER, 2, "denies"),
        ("scp", "", 1, "allows"),
    ]


def test_a_condition_of_a_deny_is_to_fail() -> None:
    """The change names the statement, and the conditions that made it match."""
    outside = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    denying = own(allow(), deny(Sid="Office", Condition=outside))
    policies = about_key((denying,), (DELEGATES,))
    (change,) = explain(Question(ask(aws__sourceip="192.0.2.1"), policies)).changes
    assert (change.what, change.policy, change.index, change.sid) == (
        What.AVOID,
        "own",
        1,
        "Office",
    )
    assert [condition.key for condition in change.conditions] == ["aws:SourceIp"]


def test_conditions_are_to_be_met() -> None:
    """When only conditions fail, no policy has to change."""
    policies = about_key((own(allow("s3:*"), allow(Condition=OFFICE)),), (DELEGATES,))
    (change,) = explain(Question(ask(), policies)).changes
    assert (change.what, change.index) == (What.MEET, 1)
    assert not change.conditions[0].met


def test_the_caller_s_own_statement_is_to_be_widened() -> None:
    """A statement that lacks one action or resource is given it, if that gives nothing else."""
    policies = about_key((own(allow("s3:*"), allow("kms:Sign", KEY)),), (DELEGATES,))
    (change,) = explain(Question(ask(), policies)).changes
    assert (change.what, change.index) == (What.WIDEN, 1)
    assert change.statement["Action"] == ["kms:Sign", "kms:Encrypt"]

    (change,) = explain(Question(ask(), about_key((own(allow("kms:Sign")),), (DELEGATES,)))).changes
    assert (change.what, change.statement["Resource"]) == (What.ADD, KEY)

    administrators = key_policy(allow(**to(ROLE)))
    (change,) = explain(Question(ask(), about_key((), (administrators,)))).changes
    assert (change.what, change.statement["Action"]) == (What.ADD, "kms:Encrypt")


def test_a_statement_is_to_be_added_where_none_is_near() -> None:
    """The new statement says no more than the request needs."""
    (change,) = explain(Question(ask(), about_key((), (DELEGATES,)))).changes
    assert (change.what, change.kind, change.policy) == (What.ADD, PolicyKind.IDENTITY, "")
    assert change.statement == {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": KEY}
    (change,) = explain(Question(ask(), about_key())).changes
    assert change.kind is PolicyKind.RESOURCE
    assert change.statement["Principal"] == {"AWS": USER}


def test_everything_in_the_way_changes() -> None:
    """One change for each policy that refuses."""
    policies = about_key(
        (),
        (DELEGATES,),
        boundary=ceiling(allow("s3:*", "arn:aws:s3:::b")),
        scps=((ceiling(deny(Condition=OFFICE), kind=DocumentKind.SCP),),),
    )
    context = ask(aws__sourceip="10.1.1.1", aws__principalarn=USER)
    changes = explain(Question(context, policies)).changes
    assert [(change.what, change.kind) for change in changes] == [
        (What.AVOID, PolicyKind.SERVICE_CONTROL),
        (What.ADD, PolicyKind.SERVICE_CONTROL),
        (What.ADD, PolicyKind.IDENTITY),
        (What.ADD, PolicyKind.BOUNDARY),
    ]


def test_what_no_change_can_allow() -> None:
    """AWS's own aliases, and operations that stay in their account."""
    alias = ask(action="kms:DeleteAlias", resource="arn:aws:kms:eu-1:111122223333:alias/aws/s3")
    assert explain(Question(alias, elsewhere((own(allow("*")),)))).changes == ()
    policies = about_key(
        (own(allow()),), (key_policy(allow(**to(USER))),), cross_account_allowed=False
    )
    assert explain(Question(ask(account=OTHER), policies)).changes == ()


def test_a_person_reads_one_screen() -> None:
    """The text says what was decided, by which statements, and what to do."""
    denying = PolicySource(
        own(allow("s3:*"), deny(Sid="Office", Condition=OFFICE)).policy, "Limits", USER
    )
    policies = about_key((denying,), (DELEGATES,))
    assert (
        render(explain(Question(ask(aws__sourceip="10.1.1.1"), policies)))
        == f"""\
ExplicitlyDenied  with an explicit deny in an identity-based policy

principal   {ALICE.arn}
action      kms:Encrypt
resource    {KEY}

steps
  1 explicit deny                    explicit deny : a matching statement denies (Limits[Office])
  5 resource-based policies          delegated     : a statement leaves it to the policies of \
the caller's account (default[1])
  6 identity-based policies          implicit deny : no statement allows

considered
  resource-based policy default: allows
    statement 1 Allow matches: principal yes, resource yes
  identity-based policy Limits of {USER}: denies
    statement 2 `Office` Deny matches: principal yes, resource yes
      aws:SourceIp IpAddress 10.0.0.0/8; it is 10.1.1.1: met
    1 statement(s) about other actions

to allow it
  let one of these fail: statement 2 `Office` of the identity-based policy Limits of {USER} denies
    aws:SourceIp IpAddress 10.0.0.0/8; it is 10.1.1.1: met
  add to the identity-based policy Limits of {USER}
    {{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}"}}"""
    )


def test_the_text_for_what_is_allowed_and_what_cannot_be() -> None:
    """No change is proposed for the one, and none is known for the other."""
    allowed = render(explain(Question(ask(), about_key((own(allow()),), (DELEGATES,)))))
    assert allowed.startswith("Allowed  by the identity-based policy\n")
    assert "to allow it" not in allowed
    alias = ask(action="kms:DeleteAlias", resource="arn:aws:kms:eu-1:111122223333:alias/aws/s3")
    reserved = render(explain(Question(alias, elsewhere())))
    assert reserved.endswith("to allow it\n  no change of a policy can")
    assert "considered\n  no policy" in reserved
