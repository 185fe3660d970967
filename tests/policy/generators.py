"""Random questions over all kinds of policy, small enough that statements often match.

Most are such that every layer begins by allowing, so that a single one of them often decides:
`test_generators` states in which share.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    ContextValue,
    PolicySource,
    PrincipalPolicies,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind
from tests.policy.support import (
    ACCOUNT,
    ALICE,
    APP,
    BOB,
    FEDERATED,
    KEY,
    LOGS,
    NOBODY,
    OTHER,
    OWNER,
    ROLE,
    ROOT,
    SESSION,
    USER,
    policy,
)

ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:*", "KMS:Enc*", "*", "s3:*", "kms:?ncrypt")
NARROW_ACTIONS = tuple(action for action in ACTIONS if action != "*")
RESOURCES = ("*", KEY, "arn:aws:kms:*:*:key/*", "arn:aws:s3:::b", "arn:aws:kms:*:*:key/${app:key}")
NAMES = (USER, ROLE, SESSION, FEDERATED, ROOT, "*", f"arn:aws:iam::{OTHER}:root")
CONDITIONS = [
    {"StringEquals": {"aws:username": "alice"}},
    {"StringEquals": {"aws:username": ["${app:owner}", "bob"]}},
    {"StringNotEquals": {"aws:username": ["bob", "carol"]}},
    {"StringLike": {"aws:username": "a*"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
    {"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "300"}},
    {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}, "Null": {"aws:username": "false"}},
    {"ForAllValues:StringNotEquals": {"aws:TagKeys": ["c"]}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t*"}},
]
CALLERS = (ALICE, ALICE, ALICE, APP, APP, APP, BOB, OWNER, LOGS, NOBODY)
SESSIONS = (APP, APP, BOB)
VALUES: dict[str, tuple[ContextValue, ...]] = {
    "aws:username": ("alice", "bob"),
    "app:owner": ("alice", ("alice",)),
    "aws:securetransport": ("true", "false"),
    "aws:sourceip": ("10.0.0.1", "192.0.2.1", "2001:db8::1", "nowhere"),
    "aws:multifactorauthage": ("10", "1000"),
    "aws:tagkeys": (("a",), ("a", "c"), (), "a"),
    "aws:sourcearn": ("arn:aws:sns:eu:1:topic", "arn:aws:sns:eu:1:x"),
    "app:key": (KEY.rpartition("/")[2], "*"),
}
T = TypeVar("T")
Levels = st.SearchStrategy[tuple[tuple[PolicySource, ...], ...]]
How = Literal["any", "mostly", "generous", "silent"]
Layer = DocumentKind | Literal["grants", "scope-down"]
ALONE: tuple[Layer, ...] = (
    DocumentKind.BOUNDARY, DocumentKind.BOUNDARY, DocumentKind.IDENTITY, DocumentKind.KEY,
    DocumentKind.SESSION, DocumentKind.SESSION, DocumentKind.SCP, DocumentKind.RCP,
    DocumentKind.RCP, DocumentKind.ENDPOINT, "grants", "grants", "scope-down", "scope-down",
)  # fmt: skip
NAMED = (DocumentKind.KEY, DocumentKind.ENDPOINT, DocumentKind.RCP)
OWN = (DocumentKind.IDENTITY, DocumentKind.BOUNDARY, DocumentKind.SESSION)
ANY_EFFECT = ("Allow", "Allow", "Deny")

# A strategy is made once: to make the same one for each draw took most of the time of a question.
sampled = cache(st.sampled_from)
ANY_CONDITION = st.sampled_from(CONDITIONS)
A_CALLER, A_SESSION = st.sampled_from(CALLERS), st.sampled_from(SESSIONS)


@cache
def some(values: Sequence[str], most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(sampled(values), min_size=1, max_size=most, unique=True)


@cache
def statements(
    kind: DocumentKind, effects: Sequence[str] = ANY_EFFECT
) -> st.SearchStrategy[dict[str, Any]]:
    """A statement of this kind of policy that says anything."""
    return _statements(kind, effects)


@st.composite
def _statements(draw: st.DrawFn, kind: DocumentKind, effects: Sequence[str]) -> dict[str, Any]:
    effect = draw(sampled(effects))
    rcp = kind is DocumentKind.RCP
    negate = sampled(("", "", "", "Not"))
    statement: dict[str, Any] = {
        "Effect": "Deny" if rcp else effect,
        f"{'' if rcp else draw(negate)}Action": draw(some(NARROW_ACTIONS if rcp else ACTIONS)),
        f"{draw(negate)}Resource": draw(some(RESOURCES)),
    }
    if draw(st.booleans()):
        statement["Condition"] = draw(ANY_CONDITION)
    if rcp:
        statement["Principal"] = "*"
    elif kind in NAMED:
        exempting = effect == "Deny" and draw(st.booleans())
        listed: dict[str, Any] = {"AWS": draw(some(NAMES, 3))}
        if draw(st.booleans()):
            listed["Service"] = "logs.amazonaws.com"
        statement["NotPrincipal" if exempting else "Principal"] = listed
    return statement


def generous(kind: DocumentKind) -> dict[str, Any]:
    """A statement that allows everything to everybody."""
    named = {"Principal": {"AWS": [ROOT, USER, ROLE]}} if kind in NAMED else {}
    return {"Effect": "Allow", "Action": "kms:*", "Resource": "*", **named}


@cache
def sources(kind: DocumentKind, how: How = "any") -> st.SearchStrategy[PolicySource]:
    """A policy that says anything, mostly begins by allowing everything, or does only that.

    One that is silent says nothing about what is asked.
    """
    return _sources(kind, how)


@st.composite
def _sources(draw: st.DrawFn, kind: DocumentKind, how: How) -> PolicySource:
    name = f"{kind.name.lower()}-{draw(st.integers(0, 9))}"
    if how == "silent":
        return PolicySource(policy({**generous(kind), "Action": "kms:Sign"}, kind=kind), name)
    if how == "generous" and kind is not DocumentKind.RCP:
        return PolicySource(policy(generous(kind), kind=kind), name)
    if how == "mostly" and kind is not DocumentKind.RCP and draw(sampled("aab")) == "a":
        effects = ("Allow", "Deny", "Deny") if kind in OWN else ANY_EFFECT
        taken = draw(few(statements(kind, effects), 1, 3))
        return PolicySource(policy(generous(kind), *taken, kind=kind), name)
    drawn = draw(few(statements(kind), 1, 3))
    return PolicySource(policy(*drawn, kind=kind), name)


@cache
def few(each: st.SearchStrategy[T], least: int, most: int) -> st.SearchStrategy[list[T]]:
    return st.lists(each, min_size=least, max_size=most)


@cache
def several(
    kind: DocumentKind, most: int = 3, how: How = "any"
) -> st.SearchStrategy[tuple[PolicySource, ...]]:
    if how in ("generous", "silent"):
        return st.tuples(sources(kind, how))
    return few(sources(kind, how), int(how == "mostly"), most).map(tuple)


@cache
def perhaps(strategy: st.SearchStrategy[Any], there: bool) -> st.SearchStrategy[Any]:
    return strategy if there else st.none() | st.none() | strategy


@cache
def or_nothing(strategy: st.SearchStrategy[tuple[T, ...]]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.just(()) | strategy


@cache
def levels(kind: DocumentKind, each: int, how: How, least: int, most: int) -> Levels:
    """Several policies of one kind at each of several levels."""
    return few(several(kind, each, how), least, most).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> tuple[RequestContext, ApplicablePolicies]:
    """A question and the policies that have a say."""
    kind = DocumentKind
    keys = {name: draw(sampled(values)) for name, values in VALUES.items() if draw(st.booleans())}
    # What every layer says; of some questions all are generous but one.
    how: How = draw(sampled(("any", "mostly", "mostly", "generous", "generous", "generous")))
    alone = draw(sampled(ALONE)) if how == "generous" else None
    says: dict[Layer, How] = dict.fromkeys((*kind, "grants", "scope-down"), how)
    if alone is not None:
        says[alone] = "mostly" if alone is kind.RCP else draw(sampled(("any", "mostly")))
    if alone == "grants":
        says[kind.KEY] = "silent"
    context = RequestContext(
        principal=draw(A_SESSION if alone is kind.SESSION else A_CALLER),
        action=draw(sampled(("kms:Encrypt", "kms:Decrypt", "kms:RetireGrant"))),
        resource=draw(sampled((KEY, KEY, KEY, "*"))),
        resource_account=draw(sampled((ACCOUNT, ACCOUNT, ACCOUNT, OTHER))),
        keys=keys,
    )
    sessions = levels(kind.SESSION, 2, says[kind.SESSION], 1, 2)
    controls = levels(
        kind.RCP,
        1,
        says[kind.RCP],
        int(alone is kind.RCP),
        0 if alone not in (None, kind.RCP) else 2,
    )
    scopes = levels(kind.SESSION, 1, says["scope-down"], 1, 3)
    grants = several(kind.KEY, 2, says["grants"] if alone == "grants" else "any")
    return context, ApplicablePolicies(
        principal=PrincipalPolicies(
            identity_based=draw(several(kind.IDENTITY, 2, says[kind.IDENTITY])),
            boundary=draw(
                perhaps(sources(kind.BOUNDARY, says[kind.BOUNDARY]), alone is kind.BOUNDARY)
            ),
            session=draw(perhaps(sessions, alone is kind.SESSION)) or (),
            service_control=draw(levels(kind.SCP, 2, says[kind.SCP], int(alone is kind.SCP), 2)),
            scope_down=draw(perhaps(scopes, alone == "scope-down")) or (),
        ),
        resource_based=draw(several(kind.KEY, 2, says[kind.KEY])),
        resource_policy_required=alone == "grants" or draw(st.booleans()),
        grants=draw(grants if alone == "grants" else or_nothing(grants)),
        resource_control=draw(controls),
        endpoint=draw(perhaps(sources(kind.ENDPOINT, says[kind.ENDPOINT]), alone is kind.ENDPOINT)),
        cross_account_allowed=draw(st.booleans()),
        sessions_always_bound=draw(st.booleans()),
    )
