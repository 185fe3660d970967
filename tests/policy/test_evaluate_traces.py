"""The flow: what does a decision tell of each step? (iam.md 5)"""

from typing import Any

from keystead.policy.evaluation.decision import Decision, PolicyKind
from keystead.policy.evaluation.question import (
    PolicySource,
)
from keystead.policy.language.document import DocumentKind
from tests.policy.evaluating import (
    DELEGATES,
    FULL_RCP,
    MAY,
    NOT_THIS,
    SILENT,
    STRANGER,
    refused_by,
    scp,
)
from tests.policy.support import (
    ACCOUNT,
    APP,
    BOB,
    LOGS,
    OWNER,
    ROLE,
    SESSION,
    USER,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    elsewhere,
    evaluate,
    key_policy,
    own,
    source,
    to,
)


def test_every_step_reports_what_it_found() -> None:
    """The trace goes on after a refusal, so that everything in the way is named."""
    policies = about_key(
        (NOT_THIS,),
        (SILENT,),
        boundary=ceiling(allow("kms:Sign")),
        scps=((scp(allow("*")),), (scp(allow("s3:*")),)),
        resource_control=((FULL_RCP,),),
        endpoint=source(allow(**to(ROLE)), kind=DocumentKind.ENDPOINT),
    )
    decision = evaluate(ask(), policies)
    assert [(finding.step, finding.effect) for finding in decision.trace] == [
        ("1 explicit deny", "no effect"),
        ("2 resource control policies, level 1 of 1", "allow"),
        ("3 service control policies, level 1 of 2", "allow"),
        ("3 service control policies, level 2 of 2", "implicit deny"),
        ("4 VPC endpoint policy", "implicit deny"),
        ("5 resource-based policies", "implicit deny"),
        ("6 identity-based policies", "implicit deny"),
        ("7 permissions boundary", "implicit deny"),
    ]
    assert refused_by(decision) is PolicyKind.SERVICE_CONTROL


def test_the_deciding_statements_are_named() -> None:
    """An allowance names what delegated and what allowed; a denial every matching Deny."""
    identity = PolicySource(own(allow("s3:*"), allow(Sid="Keys")).policy, "arn:p", USER)
    allowed = evaluate(ask(), about_key((identity,), (DELEGATES,)))
    named = [(one.kind, one.policy, one.index, one.sid) for one in allowed.statements]
    assert named == [
        (PolicyKind.RESOURCE, "default", 0, ""),
        (PolicyKind.IDENTITY, "arn:p", 1, "Keys"),
    ]
    denying = about_key((own(deny()),), (key_policy(deny(**to(USER))),), scps=((scp(deny()),),))
    denied = evaluate(ask(), denying)
    assert [one.kind for one in denied.statements] == [
        PolicyKind.SERVICE_CONTROL,
        PolicyKind.RESOURCE,
        PolicyKind.IDENTITY,
    ]
    assert denied.kind is PolicyKind.SERVICE_CONTROL


Told = tuple[str, PolicyKind | None, str, str, list[str]]


def told(decision: Decision) -> list[Told]:
    """The trace, with the names of the policies whose statements each step found."""
    return [
        (one.step, one.kind, one.effect, one.detail, [found.policy for found in one.statements])
        for one in decision.trace
    ]


NO_DENY: Told = ("1 explicit deny", None, "no effect", "no matching statement denies", [])
ALLOWS, ALLOWS_NOT = ("allow", "a statement allows"), ("implicit deny", "no statement allows")
SUFFICES = ("no effect", "the resource-based policy suffices")


def test_the_trace_of_an_allowance() -> None:
    """Each step says which kind it asked, what it found and where, in the order of the steps."""
    policies = about_key(
        (own(allow()),),
        (DELEGATES,),
        boundary=ceiling(allow()),
        session=(ceiling(allow(), kind=DocumentKind.SESSION),),
        scps=((scp(allow("*")),),),
        resource_control=((FULL_RCP,),),
        endpoint=source(allow(**to("*")), kind=DocumentKind.ENDPOINT, name="endpoint"),
    )
    decision = evaluate(ask(APP), policies)
    kind = PolicyKind
    assert told(decision) == [
        NO_DENY,
        ("2 resource control policies, level 1 of 1", kind.RESOURCE_CONTROL, "allow", "", ["p"]),
        ("3 service control policies, level 1 of 1", kind.SERVICE_CONTROL, *ALLOWS, ["scp"]),
        ("4 VPC endpoint policy", kind.ENDPOINT, *ALLOWS, ["endpoint"]),
        (
            "5 resource-based policies",
            kind.RESOURCE,
            "delegated",
            "a statement leaves it to the policies of the caller's account",
            ["default"],
        ),
        ("6 identity-based policies", kind.IDENTITY, *ALLOWS, ["own"]),
        ("7 permissions boundary", kind.BOUNDARY, *ALLOWS, ["boundary"]),
        ("8 session policies", kind.SESSION, *ALLOWS, ["session"]),
    ]
    assert [one.policy for one in decision.statements] == ["default", "own"]
    assert hash(decision) == hash(evaluate(ask(APP), policies))  # a value: it can be kept


def test_the_trace_when_the_resource_s_policy_suffices() -> None:
    """A caller who is named needs nobody else; a role that is named is bound by its ceilings."""
    own_side: dict[str, Any] = {
        "boundary": ceiling(allow("kms:Sign")),
        "session": (ceiling(allow("kms:Sign"), kind=DocumentKind.SESSION),),
    }
    kind, five = PolicyKind, "5 resource-based policies"
    named = evaluate(ask(APP), about_key((), (key_policy(allow(**to(SESSION))),), **own_side))
    assert told(named) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", "a statement names the caller", ["default"]),
        ("6 identity-based policies", kind.IDENTITY, *SUFFICES, []),
        ("7 permissions boundary", kind.BOUNDARY, *SUFFICES, []),
        ("8 session policies", kind.SESSION, *SUFFICES, []),
    ]
    role = evaluate(ask(APP), about_key((), (key_policy(allow(**to(ROLE))),), **own_side))
    how = "a statement names the role or user for which the caller acts"
    assert told(role) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", how, ["default"]),
        ("6 identity-based policies", kind.IDENTITY, *SUFFICES, []),
        ("7 permissions boundary", kind.BOUNDARY, *ALLOWS_NOT, []),
        ("8 session policies", kind.SESSION, *ALLOWS_NOT, []),
    ]
    assert refused_by(role) is kind.BOUNDARY


def test_the_trace_of_those_without_policies_of_their_own() -> None:
    """The root user needs no identity-based policy; a service is asked for none."""
    five, kind = "5 resource-based policies", PolicyKind
    root = "the root user needs no identity-based policy"
    assert told(evaluate(ask(OWNER), elsewhere())) == [
        NO_DENY,
        (five, kind.RESOURCE, "no effect", "no statement allows, and none has to", []),
        ("6 identity-based policies", None, "allow", root, []),
    ]
    service = key_policy(allow(Principal={"Service": "logs.amazonaws.com"}))
    assert told(evaluate(ask(LOGS), about_key((), (service,)))) == [
        NO_DENY,
        (five, kind.RESOURCE, "allow", "a statement names the caller", ["default"]),
    ]


def test_the_trace_of_a_federated_user_without_a_session_policy() -> None:
    """The session step says what is missing."""
    decision = evaluate(ask(BOB), about_key((own(allow()),), (DELEGATES,)))
    none = "a federated user without a session policy has no permissions of its own"
    assert told(decision)[-1] == (
        "8 session policies",
        PolicyKind.SESSION,
        "implicit deny",
        none,
        [],
    )
    assert refused_by(decision) is PolicyKind.SESSION


def test_the_trace_of_refusals() -> None:
    """A Deny, what AWS keeps, a resource that says nothing, and one of another account."""
    kind, five = PolicyKind, "5 resource-based policies"
    denying = evaluate(ask(), about_key((own(deny()), MAY), (DELEGATES,)))
    denies = ("explicit deny", "a matching statement denies", ["own"])
    assert told(denying)[0] == ("1 explicit deny", kind.IDENTITY, *denies)
    assert hash(denying)
    alias = f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/aws/s3"
    kept = evaluate(ask(action="kms:CreateAlias", resource=alias), elsewhere((MAY,)))
    why = "aliases that begin with alias/aws/ are AWS's own"
    assert told(kept)[1] == ("1 reserved by AWS", None, "implicit deny", why, [])
    assert refused_by(kept) is None
    silent = evaluate(ask(), about_key((MAY,), (SILENT,)))
    nothing = "nothing in it allows the caller or the caller's account"
    assert told(silent)[1] == (five, kind.RESOURCE, "implicit deny", nothing, [])
    named = (key_policy(allow(**to(STRANGER.arn))),)
    apart = about_key((MAY,), named, cross_account_allowed=False)
    never = "this operation never works on another account's resource"
    assert told(evaluate(ask(STRANGER), apart))[1] == (
        five,
        kind.RESOURCE,
        "implicit deny",
        never,
        [],
    )
