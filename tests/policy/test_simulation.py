"""What a simulation tells beside the decision: places of statements, keys that are asked about."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.policy.evaluation.decision import Outcome, PolicyKind
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    ContextValue,
    PolicySource,
    PrincipalPolicies,
    Question,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind, Policy, compile_policy
from keystead.policy.language.statement_spans import Position, statement_spans
from keystead.policy.reasons.simulation import Simulated, combined, distinct, keys_asked, simulate
from tests.policy.generators import questions
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    OTHER,
    ROLE,
    ROOT,
    USER,
    allow,
    deny,
    evaluate,
    policy,
    text,
    to,
)

# Documents and places as IAM's own documentation and AWS's managed policies have them.
AS_AWS = [
    (
        (
            '{\n  "Version":"2012-10-17",\n  "Statement":{\n    "Effect":"Allow",\n'
            '    "Action":"s3:PutObject",\n    "Resource":"arn:aws:s3:::my-test-bucket"\n  }\n}'
        ),
        [((3, 16), (7, 4))],
    ),
    (
        (
            '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":'
            '"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
        ),
        [((1, 38), (1, 167))],
    ),
    (
        (
            '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Effect": "Allow",\n'
            '      "Action": "*",\n      "Resource": "*"\n    }\n  ]\n}'
        ),
        [((3, 17), (8, 6))],
    ),
]


def places(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [
        ((span.start.line, span.start.column), (span.end.line, span.end.column))
        for span in statement_spans(text)
    ]


@pytest.mark.parametrize(("document", "expected"), AS_AWS)
def test_places_as_aws_gives_them(document: str, expected: list[Any]) -> None:
    """A statement begins behind what comes before it, and ends behind its brace."""
    assert places(document) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_in_a_list(end: str) -> None:
    """The second statement begins behind the first; every kind of line end counts once."""
    text = f'{{"Statement":[{{"a":1}}{end} ,{{"b":2}}],{end}"Id":"Statement"}}'
    assert places(text) == [((1, 15), (1, 22)), ((1, 22), (2, 10))]


def test_places_ignore_what_is_written_in_texts() -> None:
    """Brackets, quotes and line ends inside of texts are no brackets, quotes and line ends."""
    statement = r'{"Sid":"}]\"{","Condition":{"A":{"b":["\\"]}}}'
    text = '{"Id":"[{","Statement":[' + statement + "]}"
    assert places(text) == [((1, 25), (1, 25 + len(statement)))]
    assert places('{"\\u0053tatement":{"Sid":"x"}}') == [((1, 20), (1, 30))]


def offset(text: str, place: Position) -> int:
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: place.line - 1])) + place.column - 1


@given(
    st.lists(st.dictionaries(st.text('{}[]"\\,ab', max_size=4), st.text(max_size=4)), min_size=1),
    st.sampled_from([None, 0, 1, 4]),
)
def test_every_place_holds_its_statement(statements: list[Any], indent: int | None) -> None:
    """What stands between the two places is the statement, however the document is laid out."""
    text = json.dumps({"Id": "{", "Statement": statements}, indent=indent)
    spans = statement_spans(text)
    found = [text[offset(text, s.start) : offset(text, s.end)].lstrip(" \n,") for s in spans]
    assert [json.loads(one) for one in found] == statements


def test_keys_asked() -> None:
    """Keys of conditions and of variables, as written; once each, however their case differs."""
    document = policy(
        allow(
            "dynamodb:*",
            "arn:aws:dynamodb:us-east-2:111122223333:table/${aws:username}",
            Condition={
                "DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"},
                "StringLike": {"aws:PrincipalTag/team": "${aws:PrincipalTag/Own, 'none'}-${*}"},
            },
        ),
        deny("dynamodb:*", Condition={"Null": {"AWS:USERNAME": "true"}}),
    )
    assert list(distinct(keys_asked(document))) == [
        "aws:username",
        "aws:CurrentTime",
        "aws:PrincipalTag/team",
        "aws:PrincipalTag/Own",
    ]


def test_old_documents_have_no_variables() -> None:
    """In a document of 2008 `${aws:username}` is a text, and asks for nothing."""
    statement = allow("s3:*", "arn:aws:s3:::b/${aws:username}", **to(ROOT))
    old = policy(statement, kind=DocumentKind.RESOURCE, version="2008-10-17")
    assert list(keys_asked(old)) == []
    assert list(keys_asked(policy(statement, kind=DocumentKind.RESOURCE))) == ["aws:username"]


def any_keys(statement: Any, kind: DocumentKind) -> Policy:
    return compile_policy(text(statement), kind, accept_unsupported_condition_keys=True)


def ask(
    *statements: Any,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/alice/x",
    owner: str = ACCOUNT,
    own: Any = None,
    boundary: Any = None,
    scps: Any = (),
    **keys: ContextValue,
) -> Simulated:
    """The simulation of a user with these statements; `own` is the resource's own policy."""
    named = {name.replace("__", ":").replace("_", "/"): value for name, value in keys.items()}
    context = RequestContext(ALICE, action, resource, owner, named)
    kind = DocumentKind.KEY if ":kms:" in resource else DocumentKind.RESOURCE
    return simulate(
        Question(
            context,
            ApplicablePolicies(
                PrincipalPolicies(
                    (PolicySource(policy(*statements), "own"),) if statements else (),
                    PolicySource(policy(boundary, kind=DocumentKind.BOUNDARY), "bound")
                    if boundary
                    else None,
                    service_control=tuple(
                        (PolicySource(policy(scp, kind=DocumentKind.SCP), f"scp{i}"),)
                        for i, scp in enumerate(scps)
                    ),
                ),
                (PolicySource(any_keys(own, kind), "resource"),) if own else (),
            ),
        ),
    )


HOME = "arn:aws:s3:::b/${aws:username}/*"
TEAM = {"StringEquals": {"aws:PrincipalTag/team": "${aws:PrincipalTag/own}"}}


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        (allow("s3:Get*", HOME), ("aws:username",)),
        (allow("s3:Get*", HOME, Condition=TEAM), ("aws:username", "aws:PrincipalTag/team",
                                                  "aws:PrincipalTag/own")),
        (allow("s3:Put*", HOME, Condition=TEAM), ()),  # another action
        (allow("s3:Get*", "arn:aws:s3:::c/${aws:username}", Condition=TEAM), ()),  # elsewhere
        (allow("s3:Get*", "arn:aws:s3:::b/bob/${aws:username}"), ()),
        (allow("s3:Get*", "arn:aws:s3:::b/${aws:username, 'alice'}/*"), ()),  # has a default
        (allow("s3:Get*", "arn:aws:s3::${aws:username}:b/alice/*", Condition=TEAM), ()),
        (deny("s3:Get*", HOME), ("aws:username",)),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": HOME}, ("aws:username",)),
        ({"Effect": "Deny", "Action": "s3:*", "Condition": TEAM,
          "NotResource": "arn:aws:s3:::b/alice/*"}, ()),
        (allow("s3:*", Condition={"Null": {"s3:prefix": "true"}}), ("s3:prefix",)),
    ],
)  # fmt: skip
def test_missing_keys(statement: Any, missing: tuple[str, ...]) -> None:
    """Only statements that speak of the action, and may speak of the resource, miss a key."""
    assert ask(statement).missing == missing


def test_given_keys_are_not_missing() -> None:
    """A key that was given misses nothing, in whatever case it is asked for."""
    statement = allow("s3:Get*", HOME, Condition={"StringEquals": {"AWS:PrincipalTag/Team": "x"}})
    assert ask(statement, aws__username="alice").missing == ("AWS:PrincipalTag/Team",)
    assert ask(statement, aws__username="alice", aws__principaltag_team="x").missing == ()
    assert ask(statement, aws__username="bob").missing == ()  # then it speaks of another resource


def test_missing_keys_of_other_policies() -> None:
    """Boundary and resource policy are asked as well, SCPs are not; nor whom a policy excludes."""
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    everything = allow("*")
    assert ask(boundary=allow("s3:*", Condition=condition)).missing == ("aws:SecureTransport",)
    assert ask(everything, scps=[allow("*", Condition=condition)]).missing == ()
    own = allow("s3:*", "arn:aws:s3:::b/*", Condition=condition)
    assert ask(everything, own={**own, **to(USER)}).missing == ("aws:SecureTransport",)
    stranger = to(f"arn:aws:iam::{ACCOUNT}:user/bob")
    assert ask(everything, own={**own, **stranger}).missing == ()


def test_key_policies_never_see_some_keys() -> None:
    """A key that a key policy never sees is not missing there."""
    condition = {"StringEquals": {"aws:ResourceTag/a": "b", "aws:SourceIp": "10.0.0.1"}}
    own = {**allow("kms:*", Condition=condition), **to(ROOT)}
    found = ask(allow("*"), action="kms:Encrypt", resource=KEY, own=own)
    assert found.missing == ("aws:SourceIp",)
    tagged = {**allow("kms:*", f"{KEY[:-1]}${{aws:ResourceTag/a}}"), **to(ROOT)}
    assert ask(allow("*"), action="kms:Encrypt", resource=KEY, own=tagged).missing == ()
    at_home = allow("kms:*", f"{KEY[:-1]}${{aws:ResourceTag/a}}")
    assert ask(at_home, action="kms:Encrypt", resource=KEY).missing == ("aws:ResourceTag/a",)


def test_a_default_is_a_value() -> None:
    """A variable with a default misses nothing, in a condition as in a resource."""
    own = "${aws:PrincipalTag/own, 'none'}"
    statement = allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": own}})
    assert ask(statement).missing == ("aws:PrincipalTag/team",)


def test_trust_policies_are_about_their_role() -> None:
    """A trust policy names no resource, and asks for its keys whatever the resource is."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        **to(USER),
        "Condition": {"StringEquals": {"sts:ExternalId": "x"}},
    }
    trust = PolicySource(policy(statement, kind=DocumentKind.TRUST), "trust")
    context = RequestContext(ALICE, "sts:AssumeRole", ROLE, ACCOUNT, {})
    policies = ApplicablePolicies(PrincipalPolicies(), (trust,), resource_policy_required=True)
    assert simulate(Question(context, policies)).missing == ("sts:ExternalId",)


def test_deciding_statements() -> None:
    """Denies alone when something denies, the allows when it is allowed, else none."""
    permits, refuses = allow("s3:*"), deny("s3:*")
    assert [one.index for one in ask(permits, allow("s3:Get*")).statements] == [0, 1]
    assert [one.index for one in ask(permits, refuses).statements] == [1]
    assert ask(allow("sns:*")).statements == ()
    assert ask(permits, boundary=allow("sns:*")).statements == ()
    assert [one.policy for one in ask(permits, boundary=refuses).statements] == ["bound"]


def test_organization_and_boundary() -> None:
    """Whether they allow is told when there are any; no statement of an SCP ever is."""
    permits = allow("s3:*")
    assert (ask(permits).organization, ask(permits).boundary) == (None, None)
    assert ask(permits, boundary=permits).boundary is True
    assert ask(permits, boundary=allow("sns:*")).boundary is False
    assert ask(permits, scps=[permits, permits]).organization is True
    closed = ask(permits, scps=[permits, allow("sns:*")])
    assert (closed.organization, closed.outcome) == (False, Outcome.IMPLICITLY_DENIED)
    denied = ask(permits, scps=[deny("s3:*")])
    assert (denied.organization, denied.outcome) == (False, Outcome.EXPLICITLY_DENIED)
    assert denied.statements == ()


def test_kinds_of_another_account() -> None:
    """Of another account's resource it is told what each kind of policy says."""
    own = {**allow("s3:*", "arn:aws:s3:::b/*"), **to(USER)}
    both = ask(allow("s3:*"), owner=OTHER, own=own)
    assert both.kinds == {
        PolicyKind.IDENTITY: Outcome.ALLOWED,
        PolicyKind.RESOURCE: Outcome.ALLOWED,
    }
    half = ask(allow("sns:*"), owner=OTHER, own=own)
    assert half.outcome is Outcome.IMPLICITLY_DENIED
    assert half.kinds[PolicyKind.IDENTITY] is Outcome.IMPLICITLY_DENIED
    assert ask(allow("s3:*"), owner=OTHER, own=own, scps=[allow("sns:*")]).kinds == {}
    assert ask(allow("s3:*"), own=own).kinds == {}


def test_combined() -> None:
    """Several resources together: the severest decision, its statements, every missing key."""
    statements = (
        allow("s3:*", HOME),
        deny("s3:*", "arn:aws:s3:::c/*"),
        allow("s3:*", "arn:aws:s3:::d"),
    )
    granted = ask(*statements, resource="arn:aws:s3:::d")
    refused = ask(*statements, resource="arn:aws:s3:::c/x")
    unknown = ask(*statements)
    assert combined([granted, refused, unknown]).outcome is Outcome.EXPLICITLY_DENIED
    assert [one.index for one in combined([granted, refused]).statements] == [1]
    both = combined([granted, unknown])
    assert (both.outcome, both.statements) == (Outcome.IMPLICITLY_DENIED, ())
    assert both.missing == ("aws:username",)
    bounded = ask(*statements, resource="arn:aws:s3:::d", boundary=allow("sns:*"))
    assert (combined([granted]).boundary, combined([granted, bounded]).boundary) == (None, False)


def test_combined_kinds_of_another_account() -> None:
    """What each kind says of several resources is the severest that it says of one."""
    own = {**allow("s3:*", "arn:aws:s3:::b/*"), **to(USER)}
    mine = (allow("s3:*"), deny("s3:*", "arn:aws:s3:::c/*"))
    open_to = ask(*mine, owner=OTHER, own=own)
    denied = ask(*mine, resource="arn:aws:s3:::c/x", owner=OTHER, own=own)
    ours = ask(*mine, own=own)
    bounded = ask(*mine, owner=OTHER, own=own, boundary=allow("s3:*"))
    explicit, implicit = Outcome.EXPLICITLY_DENIED, Outcome.IMPLICITLY_DENIED
    assert denied.kinds == {PolicyKind.IDENTITY: explicit, PolicyKind.RESOURCE: implicit}
    assert combined([open_to, denied]).kinds == denied.kinds
    assert combined([open_to, ours]).kinds == open_to.kinds
    assert combined([ours, bounded]).kinds == bounded.kinds
    assert combined([ours]).kinds == {}


def test_combined_tells_everything_once() -> None:
    """A statement that decided twice, a key that is missing twice, is told once."""
    both = combined([ask(allow("s3:*")), ask(allow("s3:*"), resource="arn:aws:s3:::c")])
    assert [one.index for one in both.statements] == [0]
    unknown = ask(allow("s3:*", HOME), allow("*", HOME), deny("s3:*", HOME))
    assert unknown.missing == ("aws:username",)
    assert combined([unknown, unknown]).missing == ("aws:username",)


def test_combined_organizations() -> None:
    """The organization allows when it allows each; it has no say when there is none."""
    permits = allow("s3:*")
    free, bound = ask(permits), ask(permits, scps=[permits])
    closed = ask(permits, scps=[allow("sns:*")])
    assert combined([free, free]).organization is None
    assert combined([free, bound]).organization is True
    assert combined([bound, closed]).organization is False
    assert combined([closed, bound]).organization is False


@given(questions())
def test_the_decision_is_the_evaluators(asked: Any) -> None:
    """Whatever is asked, a simulation decides as enforcement does (PE-9)."""
    assert simulate(Question(*asked)).outcome is evaluate(*asked).outcome
