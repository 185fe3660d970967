"""What could be allowed: sound and complete against the engine, and told in statements."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    ContextValue,
    PolicySource,
    PrincipalPolicies,
    Question,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind, compile_policy
from keystead.policy.reasons.possibility import Possibility, Route, Supposed, Verdict, possible
from tests.policy.generators import CALLERS, CONDITIONS, NAMES, VALUES, questions
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    KEY,
    LOGS,
    OTHER,
    OWNER,
    ROOT,
    USER,
    Statement,
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
    text,
    to,
)

Asked = tuple[RequestContext, ApplicablePolicies]
FREE = ("aws:username", "app:owner", "aws:sourceip", "aws:tagkeys", "app:key")
ANY = ("aws:sourceip", "aws:securetransport", "app:owner", "app:key", "app:x", "app:y")


def completions(context: RequestContext, unknown: set[str]) -> Iterator[RequestContext]:
    """The requests with every combination of values, or none, for the unknown keys."""
    names = sorted(unknown)
    for values in itertools.product(*([None, *VALUES[name]] for name in names)):
        drawn: dict[str, ContextValue] = {
            name: value for name, value in zip(names, values, strict=True) if value is not None
        }
        yield msgspec.structs.replace(context, keys={**context.keys, **drawn})


def matches(supposed: Supposed, request: RequestContext) -> bool:
    return all(one.holds(request.resource, request.keys) for one in supposed.remaining)


def fulfils(found: Possibility, request: RequestContext) -> bool:
    """Does a request fulfil some way, and no Deny?"""
    way = any(
        all(any(matches(one, request) for one in need.statements) for need in way.needs)
        for way in found.ways
    )
    return way and not any(matches(one, request) for one in found.unless)


@st.composite
def likely(draw: st.DrawFn) -> Asked:
    """A question whose answer hangs on the conditions: nothing but they can fail."""
    kind = DocumentKind

    def some(of: DocumentKind, least: int, most: int) -> tuple[PolicySource, ...]:
        named = of in (kind.KEY, kind.ENDPOINT)

        def statement() -> Statement:
            effect: Callable[..., Statement] = draw(st.sampled_from([*[allow] * 7, deny]))
            more: dict[str, Any] = (
                to(draw(st.sampled_from([USER, ROOT, ROOT, *NAMES]))) if named else {}
            )
            if effect is deny or draw(st.integers(0, 3)):
                more["Condition"] = draw(st.sampled_from(CONDITIONS))
            resource = draw(st.sampled_from(["*", "*", "arn:aws:kms:*:*:key/${app:key}"]))
            return effect(resource=resource, **more)

        count = draw(st.integers(least, most))
        return tuple(source(*[statement() for _ in range(draw(st.integers(1, 2)))], kind=of)
                     for _ in range(count))  # fmt: skip

    rcps = source(deny(**to("*"), Condition=draw(st.sampled_from(CONDITIONS))), kind=kind.RESOURCE)
    policies = ApplicablePolicies(
        principal=PrincipalPolicies(
            identity_based=some(kind.IDENTITY, 1, 2),
            boundary=next(iter(some(kind.BOUNDARY, 0, 1)), None),
            session=(some(kind.SESSION, 1, 1),) * draw(st.integers(0, 2)),
            service_control=(some(kind.SCP, 1, 1),) * draw(st.integers(0, 1)),
        ),
        resource_based=some(kind.KEY, 1, 2),
        resource_policy_required=draw(st.booleans()),
        grants=some(kind.KEY, 0, 1),
        resource_control=((rcps,),) * draw(st.sampled_from([0, 0, 0, 1])),
        endpoint=next(iter(some(kind.ENDPOINT, 0, 1)), None),
    )
    keys = {name: draw(st.sampled_from(values)) for name, values in VALUES.items()}
    account = draw(st.sampled_from([ACCOUNT, ACCOUNT, ACCOUNT, OTHER]))
    who = draw(st.sampled_from([ALICE, ALICE, ALICE, *CALLERS]))
    return RequestContext(who, "kms:Encrypt", KEY, account, keys), policies


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(likely() | likely() | questions(), st.sets(st.sampled_from(FREE), min_size=1, max_size=2))
def test_what_is_possible_is_what_is_decided(asked: Asked, unknown: set[str]) -> None:
    """`can` is allowed for every request, `cannot` for none, the rest exactly by its conditions."""
    context, policies = asked
    known = {name: value for name, value in context.keys.items() if name not in unknown}
    context = msgspec.structs.replace(context, keys=known)
    found = possible(Question(context, policies), unknown.__contains__)
    for request in completions(context, unknown):
        allowed = evaluate(request, policies).allowed
        assert allowed is fulfils(found, request)
        if found.verdict is Verdict.CAN:
            assert allowed
        if found.verdict is Verdict.CANNOT:
            assert not allowed


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(likely() | questions())
def test_nothing_unknown_is_a_decision(asked: Asked) -> None:
    """When every key is known there are no conditions, and the decision is the engine's."""
    found = possible(Question(*asked), lambda _: False)
    decided = evaluate(*asked)
    assert (found.verdict is Verdict.CAN) is decided.allowed
    assert found.verdict is not Verdict.CONDITIONS
    assert found.unless == ()


def could(policies: ApplicablePolicies, context: RequestContext | None = None) -> Possibility:
    """What is possible when the keys of requests in these tests are unknown."""
    return possible(Question(context or ask(), policies), ANY.__contains__)


def conditions(found: Possibility) -> list[list[tuple[str, str, tuple[str, ...]]]]:
    """What remains, for each way."""
    return [
        [
            (left.operator, left.key, left.expected)
            for need in way.needs
            for one in need.statements
            for left in one.remaining
        ]
        for way in found.ways
    ]


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


DELEGATING = key_policy(allow(**to(ROOT)))
FROM_TEN = when("IpAddress", "aws:SourceIp", "10.0.0.0/8")


def test_ways_are_told_apart() -> None:
    """A key policy that names the user and one that delegates are two ways, with what decides."""
    found = could(
        about_key(
            (own(allow(Sid="mine"), allow("s3:*")),),
            (key_policy(allow(**to(USER), Sid="hers"), allow(**to(ROOT), Sid="all")),),
        )
    )
    assert found.verdict is Verdict.CAN
    assert {way.route: [one.statement.sid for n in way.needs for one in n.statements]
            for way in found.ways} == {
        Route.RESOURCE: ["hers"],
        Route.ACCOUNT: ["all", "mine"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("policies", "context", "route"),
    [
        (about_key((), (DELEGATING,)), ask(OWNER), Route.RESOURCE),
        (elsewhere(), ask(OWNER, "s3:GetObject", "arn:aws:s3:::b"), Route.ROOT),
        (elsewhere((own(allow("s3:*")),)), ask(ALICE, "s3:GetObject", "arn:aws:s3:::b"),
         Route.IDENTITY),
        (about_key((), (DELEGATING,), grants=(key_policy(allow(**to(USER))),)), ask(), Route.GRANT),
        (about_key((own(allow()),), (key_policy(allow(**to(USER))),)),
         ask(ALICE, account=OTHER), Route.BOTH),
        (about_key((), (key_policy(allow(Principal={"Service": "logs.amazonaws.com"})),)),
         ask(LOGS), Route.RESOURCE),
        (elsewhere(), ask(ALICE, "sts:GetCallerIdentity", "*"), Route.OPEN),
    ],
)  # fmt: skip
def test_routes(policies: ApplicablePolicies, context: RequestContext, route: Route) -> None:
    """Each way has the name of what lets the caller in."""
    found = could(policies, context)
    assert found.verdict is Verdict.CAN
    assert [way.route for way in found.ways] == [route]


def test_the_conditions_that_remain() -> None:
    """An unknown key is a condition; a known one is decided, either way."""
    policies = about_key((own(allow(**FROM_TEN)),), (DELEGATING,))
    found = could(policies)
    assert found.verdict is Verdict.CONDITIONS
    assert conditions(found) == [[("IpAddress", "aws:SourceIp", ("10.0.0.0/8",))]]
    assert could(policies, ask(aws__sourceip="10.1.1.1")).verdict is Verdict.CAN
    assert could(policies, ask(aws__sourceip="192.0.2.1")).verdict is Verdict.CANNOT


def test_a_key_that_no_request_has() -> None:
    """A key that is neither known nor unknown is absent."""
    policies = about_key((own(allow(**when("StringLike", "s3:prefix", "*"))),), (DELEGATING,))
    assert could(policies).verdict is Verdict.CANNOT
    absent = about_key((own(allow(**when("Null", "s3:prefix", "true"))),), (DELEGATING,))
    assert could(absent).verdict is Verdict.CAN


def test_a_key_that_a_key_policy_never_sees() -> None:
    """It is absent there, although identity policies may ask for it."""
    tagged = when("StringEquals", "aws:ResourceTag/team", "red")
    document = compile_policy(
        text(allow(**to(USER), **tagged)), DocumentKind.KEY, accept_unsupported_condition_keys=True
    )
    named = about_key((), (PolicySource(document, "default"),))
    assert possible(Question(ask(), named), lambda _: True).verdict is Verdict.CANNOT
    identity = about_key((own(allow(**tagged)),), (DELEGATING,))
    assert possible(Question(ask(), identity), lambda _: True).verdict is Verdict.CONDITIONS


def test_what_a_resource_control_policy_allows_is_never_needed() -> None:
    """An Allow in one says nothing, with a condition or without."""
    rcp = source(allow(**to("*"), **FROM_TEN), kind=DocumentKind.RESOURCE)
    found = could(about_key((own(allow()),), (DELEGATING,), resource_control=((rcp,),)))
    assert found.verdict is Verdict.CAN


def test_a_way_that_needs_more_than_another_is_none() -> None:
    """Where the resource has no say, its delegation to the account is no way of its own."""
    bucket = ask(ALICE, "s3:GetObject", "arn:aws:s3:::b")
    delegating = source(allow("s3:*", **to(ROOT)), kind=DocumentKind.RESOURCE)
    policies = elsewhere((own(allow("s3:*")),), resource_based=(delegating,))
    assert [way.route for way in could(policies, bucket).ways] == [Route.IDENTITY]


def test_every_step_must_allow() -> None:
    """Conditions of a boundary and of a level of SCPs remain beside those of the policy."""
    scp = ceiling(allow("*", **when("Bool", "aws:SecureTransport", "true")), kind=DocumentKind.SCP)
    boundary = ceiling(allow(**when("StringEquals", "app:x", "1")))
    found = could(
        about_key((own(allow(**FROM_TEN)),), (DELEGATING,), boundary=boundary, scps=((scp,),))
    )
    assert found.verdict is Verdict.CONDITIONS
    assert {key for _, key, _ in conditions(found)[0]} == {
        "aws:SourceIp", "app:x", "aws:SecureTransport",
    }  # fmt: skip
    without = could(
        about_key((own(allow(**FROM_TEN)),), (DELEGATING,), boundary=ceiling(allow("s3:*")))
    )
    assert without.verdict is Verdict.CANNOT
    assert without.decision.kind is not None


def test_one_of_several_suffices() -> None:
    """Alternatives of one step stand in one need; a certain one leaves no condition."""
    two = own(allow(**FROM_TEN), allow(**when("StringEquals", "app:x", "1")))
    found = could(about_key((two,), (DELEGATING,)))
    [way] = found.ways
    assert [len(need.statements) for need in way.needs] == [1, 2]
    found = could(about_key((two, own(allow())), (DELEGATING,)))
    assert found.verdict is Verdict.CAN
    assert conditions(found) == [[]]


def test_a_deny_that_perhaps_matches() -> None:
    """What must stay false is told as such; a certain Deny is a refusal."""
    unsafe = deny(**when("Bool", "aws:SecureTransport", "false"), Sid="unsafe")
    found = could(about_key((own(allow(), unsafe),), (DELEGATING,)))
    assert found.verdict is Verdict.CONDITIONS
    assert conditions(found) == [[]]
    assert [one.statement.sid for one in found.unless] == ["unsafe"]
    assert could(about_key((own(allow(), deny()),), (DELEGATING,))).verdict is Verdict.CANNOT
    granted = (key_policy(deny(**to(USER), **when("Bool", "aws:SecureTransport", "false"))),)
    assert could(about_key((own(allow()),), (DELEGATING,), grants=granted)).verdict is Verdict.CAN
    other = deny("s3:*", **when("Bool", "aws:SecureTransport", "false"))
    assert could(about_key((own(allow(), other),), (DELEGATING,))).verdict is Verdict.CAN


@pytest.mark.parametrize(
    ("allowed", "denied", "verdict"),
    [
        # the Deny takes all that the Allow gives
        (FROM_TEN, FROM_TEN, Verdict.CANNOT),
        (FROM_TEN, when("IpAddress", "aws:SourceIp", "10.1.0.0/16"), Verdict.CONDITIONS),
        (FROM_TEN, {**FROM_TEN, "Action": "s3:*"}, Verdict.CONDITIONS),
        (FROM_TEN, {"Condition": {**FROM_TEN["Condition"], "Null": {"app:x": "true"}}},
         Verdict.CONDITIONS),
        # the only value that the Allow takes is one that the Deny refuses
        (when("StringEquals", "app:x", "1"), when("StringNotEquals", "app:x", "2"), Verdict.CANNOT),
        (when("StringEquals", "app:x", "1", "2"), when("StringNotEquals", "app:x", "2"),
         Verdict.CONDITIONS),
        (when("StringEquals", "app:x", "1"), when("StringNotEquals", "app:y", "2"),
         Verdict.CONDITIONS),
        # however their keys are written
        (when("StringEquals", "App:X", "1"), when("StringNotEquals", "app:x", "2"), Verdict.CANNOT),
        (when("IpAddress", "AWS:sourceip", "10.0.0.0/8"), FROM_TEN, Verdict.CANNOT),
        # the Deny asks for something else as well
        (when("StringEquals", "app:x", "1"),
         {"Condition": {"StringNotEquals": {"app:x": "2"}, "Bool": {"app:y": "false"}}},
         Verdict.CONDITIONS),
        # two conditions of the Allow exclude each other
        ({"Condition": {"StringEquals": {"app:x": "1"}, "StringLike": {"app:x": "2*"}}},
         when("Bool", "aws:SecureTransport", "false"), Verdict.CANNOT),
    ],
)  # fmt: skip
def test_what_excludes_itself_is_impossible(
    allowed: Mapping[str, Any], denied: Mapping[str, Any], verdict: Verdict
) -> None:
    """An Allow under which a Deny always holds, or no value is right, is no way."""
    found = could(about_key((own(allow(**allowed), deny(**denied)),), (DELEGATING,)))
    assert found.verdict is verdict


def test_variables() -> None:
    """A variable of a known key is decided, one of an unknown key remains, in a resource too."""
    named = when("StringEquals", "app:owner", "${aws:username}")
    found = could(about_key((own(allow(**named)),), (DELEGATING,)), ask(aws__username="alice"))
    assert conditions(found) == [[("StringEquals", "app:owner", ("${aws:username}",))]]
    policies = about_key((own(allow(**named)),), (DELEGATING,))
    owned = ask(aws__username="alice", app__owner="alice")
    assert could(policies, owned).verdict is Verdict.CAN

    pattern = f"arn:aws:kms:*:{ACCOUNT}:key/${{app:key}}"
    found = could(about_key((own(allow(resource=pattern)),), (DELEGATING,)))
    assert conditions(found) == [[("Resource", "", (pattern,))]]
    key_id = KEY.rpartition("/")[2]
    known = could(about_key((own(allow(resource=pattern)),), (DELEGATING,)), ask(app__key=key_id))
    assert known.verdict is Verdict.CAN


def test_a_user_whom_nobody_names() -> None:
    """Without a policy for the user there is no way; with one there is."""
    assert could(about_key((), (DELEGATING,))).verdict is Verdict.CANNOT
    assert could(about_key((), (key_policy(allow(**to(USER))),))).verdict is Verdict.CAN
    nobody = about_key((own(allow()),), ())
    assert could(nobody).verdict is Verdict.CANNOT
    assert PrincipalPolicies() == about_key((), ()).principal


def test_words_are_those_of_who_can() -> None:
    """Verdicts and routes are told by these words."""
    assert [one.value for one in Verdict] == ["can", "can under conditions", "cannot"]
    assert [one.value for one in Route] == [
        "open to everybody",
        "the root user's own right",
        "grant",
        "resource-based policy",
        "identity-based policy, through the account",
        "resource-based and identity-based policy",
        "identity-based policy",
    ]
