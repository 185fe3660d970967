"""An explanation as a person reads it on one screen (issue: reasons)."""

from typing import Any

import pytest

from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    Question,
)
from keystead.policy.language.document import DocumentKind
from keystead.policy.reasons.explain import explain
from keystead.policy.reasons.screen import render
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    OTHER,
    OWNER,
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
WANTS_X = own(allow(Condition={"StringEquals": {"app:a": "x"}}))


def screen(policies: ApplicablePolicies, **keys: Any) -> str:
    return render(explain(Question(ask(**keys), policies)))


def test_everything_in_the_way_is_on_the_screen() -> None:
    """Levels, places, conditions with what they want and find, and one change for each refusal."""
    tags = {
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
        "Null": {"aws:SourceVpce": "false"},
    }
    limit = policy(allow("s3:*"), allow("sns:*"), kind=DocumentKind.BOUNDARY)
    policies = about_key(
        (own(deny("s3:*"), allow(Sid="Tags", Condition=tags)),),
        (DELEGATES,),
        boundary=PolicySource(limit, "Limit", USER),
        scps=(
            (ceiling(allow("*"), kind=DocumentKind.SCP),),
            (ceiling(deny("s3:*"), kind=DocumentKind.SCP),),
        ),
    )
    assert (
        screen(policies, aws__tagkeys=("a", "c"), aws__principalarn=USER)
        == f"""\
ImplicitlyDenied  because no service control policy allows the kms:Encrypt action

principal   {ALICE.arn}
action      kms:Encrypt
resource    {KEY}

steps
  1 explicit deny                    no effect     : no matching statement denies
  3 service control policies, level 1 of 2 allow         : a statement allows (scp[1])
  3 service control policies, level 2 of 2 implicit deny : no statement allows
  5 resource-based policies          delegated     : a statement leaves it to the policies of \
the caller's account (default[1])
  6 identity-based policies          implicit deny : no statement allows
  7 permissions boundary             implicit deny : no statement allows

considered
  service control policy scp, level 1: allows
    statement 1 Allow matches: principal yes, resource yes
  service control policy scp, level 2: says nothing
    1 statement(s) about other actions
  resource-based policy default: allows
    statement 1 Allow matches: principal yes, resource yes
  identity-based policy own: says nothing
    statement 2 `Tags` Allow does not match: principal yes, resource yes
      aws:TagKeys ForAllValues:StringEquals a or b; it is [a, c]: not met
      aws:SourceVpce Null false; it is absent: not met
    1 statement(s) about other actions
  permissions boundary Limit of {USER}: says nothing
    2 statement(s) about other actions

to allow it
  add to the service control policy scp
    {{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}",\
"Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{USER}"}}}}}}
  meet the conditions of statement 2 `Tags` of the identity-based policy own
    aws:TagKeys ForAllValues:StringEquals a or b; it is [a, c]: not met
    aws:SourceVpce Null false; it is absent: not met
  add to the permissions boundary Limit of {USER}
    {{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}",\
"Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{USER}"}}}}}}"""
    )


def test_what_a_terminal_might_obey_is_escaped() -> None:
    """A value of the request cannot move the cursor, turn the text round or begin a line."""
    policies = about_key((WANTS_X,), (DELEGATES,))
    hostile = screen(policies, app__a="\x1b[2J\r\nAllowed \u202eé\N{KEY}")
    plain = screen(policies, app__a="y")
    assert hostile == plain.replace("it is y:", "it is \\x1b[2J\\r\\nAllowed \\u202eé\N{KEY}:")


def test_each_part_of_a_statement_has_its_answer() -> None:
    """A statement that speaks of the action says for itself what it does not cover."""
    others = key_policy(
        allow(**to(ROOT)),
        deny(resource="arn:aws:kms:*:*:key/b", **to(ROOT)),
        allow(**to(f"{USER}/2")),
    )
    lines = screen(about_key((), (others,))).splitlines()
    assert "    statement 1 Allow matches: principal yes, resource yes" in lines
    assert "    statement 2 Deny does not match: principal yes, resource no" in lines
    assert "    statement 3 Allow does not match: principal no, resource yes" in lines


def test_statements_that_deny_together_are_all_named() -> None:
    """By policy and position; nothing is to be removed, and somebody has to decide."""
    denying = key_policy(allow(**to(ROOT)), deny(**to(USER)), deny(**to(USER)))
    text = screen(about_key((own(allow()),), (denying,)))
    assert "a matching statement denies (default[2], default[3])\n" in text
    assert text.endswith(
        "to allow it\n"
        "  no small change can: the owner of each statement that denies it has to decide\n"
        "    statement 2 of the resource-based policy default\n"
        "    statement 3 of the resource-based policy default"
    )


def test_a_condition_that_wants_nothing() -> None:
    """An empty list of values is told as what it is."""
    wants_nothing = own(allow(Condition={"StringEquals": {"app:a": []}}))
    text = screen(about_key((wants_nothing,), (DELEGATES,)))
    assert "    app:a StringEquals nothing; it is absent: not met" in text


def test_a_policy_that_does_not_exist_yet() -> None:
    """What has to be written from nothing is a new policy."""
    assert (
        f"  add to a new identity-based policy of {USER}\n"
        f'    {{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}"}}'
    ) in screen(about_key((), (DELEGATES,)))


@pytest.mark.parametrize(
    ("who", "action", "resource", "policies", "says"),
    [
        (ALICE, "kms:Encrypt", KEY, about_key((own(allow()),), (DELEGATES,)), "identity-based"),
        (OWNER, "kms:Encrypt", KEY, about_key((), (DELEGATES,)), "by the resource-based policy"),
        (OWNER, "iam:GetUser", USER, elsewhere(), "by the root user"),
        (ALICE, "sts:GetCallerIdentity", "*", elsewhere(), "to everybody"),
        (OWNER, "STS:GETCALLERIDENTITY", "*", elsewhere(), "to everybody"),
    ],
)
def test_who_gave_the_permission(
    who: Principal, action: str, resource: str, policies: ApplicablePolicies, says: str
) -> None:
    """A kind of policy, the root user's own power, or nobody, where no permission is needed."""
    first, *_ = render(explain(Question(ask(who, action, resource), policies))).splitlines()
    assert first.startswith("Allowed  ")
    assert says in first


def test_what_no_policy_can_give_is_refused_for_everybody() -> None:
    """AWS's own aliases have no kind of policy in the way."""
    alias = ask(action="kms:DeleteAlias", resource="arn:aws:kms:eu-1:111122223333:alias/aws/s3")
    first, *_ = render(explain(Question(alias, elsewhere((own(allow("*")),))))).splitlines()
    assert first == "ImplicitlyDenied  for everybody"


def test_a_step_without_more_to_say() -> None:
    """Resource control policies allow, and nothing has to be said about it."""
    full = ceiling(allow("*", Principal="*"), kind=DocumentKind.RCP)
    text = screen(about_key((own(allow()),), (DELEGATES,), resource_control=((full,), ())))
    steps = [line.rstrip() for line in text.splitlines()]
    assert "  2 resource control policies, level 1 of 2 allow          (rcp[1])" in steps
    assert "  2 resource control policies, level 2 of 2 allow" in steps


def test_the_first_line_says_what_the_steps_say() -> None:
    """An operator reads why, also of another account's key, where the caller hears less."""
    denies = key_policy(deny(**to(USER)))
    for policies, why in (
        (
            about_key((own(allow()),)),
            "because no resource-based policy allows the kms:Encrypt action",
        ),
        (about_key((own(allow()),), (denies,)), "with an explicit deny in a resource-based policy"),
        (
            about_key((), (key_policy(allow(**to(USER))),)),
            "because no identity-based policy allows the kms:Encrypt action",
        ),
    ):
        asked = ask(resource=KEY.replace(ACCOUNT, OTHER), account=OTHER)
        first = render(explain(Question(asked, policies))).partition("\n")[0]
        assert first.endswith(f"Denied  {why}")
