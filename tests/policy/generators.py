"""Random questions over all kinds of policy, small enough that statements often match.

Most are such that every layer begins by allowing, so that a single one of them often decides:
`test_generators` states in which share.
"""

from collections.abc import Sequence
from typing import Any, Literal

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

ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:*", "KMS:Enc*", "*", "s3:*", "kms:?ncrypt"]
RESOURCES = ["*", KEY, "arn:aws:kms:*:*:key/*", "arn:aws:s3:::b", "arn:aws:kms:*:*:key/${app:key}"]
NAMES = [USER, ROLE, SESSION, FEDERATED, ROOT, "*", f"arn:aws:iam::{OTHER}:root"]
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
CALLERS = [ALICE, ALICE, ALICE, APP, APP, APP, BOB, OWNER, LOGS, NOBODY]
SESSIONS = [APP, APP, BOB]
VALUES: dict[str, list[ContextValue]] = {
    "aws:username": ["alice", "bob"],
    "app:owner": ["alice", ("alice",)],
    "aws:securetransport": ["true", "false"],
    "aws:sourceip": ["10.0.0.1", "192.0.2.1", "2001:db8::1", "nowhere"],
    "aws:multifactorauthage": ["10", "1000"],
    "aws:tagkeys": [("a",), ("a", "c"), (), "a"],
    "aws:sourcearn": ["arn:aws:sns:eu:1:topic", "arn:aws:sns:eu:1:x"],
    "app:key": [KEY.rpartition("/")[2], "*"],
}
How = Literal["any", "mostly", "generous", "silent"]
Layer = DocumentKind | Literal["grants"]
ALONE: tuple[Layer, ...] = (
    DocumentKind.BOUNDARY, DocumentKind.BOUNDARY, DocumentKind.IDENTITY, DocumentKind.KEY,
    DocumentKind.SESSION, DocumentKind.SESSION, DocumentKind.SCP, DocumentKind.RCP,
    DocumentKind.RCP, DocumentKind.ENDPOINT, "grants", "grants",
)  # fmt: skip
NAMED = (DocumentKind.KEY, DocumentKind.ENDPOINT, DocumentKind.RCP)
OWN = (DocumentKind.IDENTITY, DocumentKind.BOUNDARY, DocumentKind.SESSION)
ANY_EFFECT = ("Allow", "Allow", "Deny")


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@st.composite
def statements(
    draw: st.DrawFn, kind: DocumentKind, effects: Sequence[str] = ANY_EFFECT
) -> dict[str, Any]:
    effect = draw(st.sampled_from(effects))
    rcp = kind is DocumentKind.RCP
    actions = [action for action in ACTIONS if not rcp or action != "*"]
    negate = st.sampled_from(["", "", "", "Not"])
    statement: dict[str, Any] = {
        "Effect": "Deny" if rcp else effect,
        f"{'' if rcp else draw(negate)}Action": draw(some(actions)),
        f"{draw(negate)}Resource": draw(some(RESOURCES)),
    }
    if draw(st.booleans()):
        statement["Condition"] = draw(st.sampled_from(CONDITIONS))
    if rcp:
        statement["Principal"] = "*"
    elif kind in NAMED:
        exempting = effect == "Deny" and draw(st.booleans())
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
        listed: dict[str, Any] = {"AWS": names}
        if draw(st.booleans()):
            listed["Service"] = "logs.amazonaws.com"
        statement["NotPrincipal" if exempting else "Principal"] = listed
    return statement


def generous(kind: DocumentKind) -> dict[str, Any]:
    """A statement that allows everything to everybody."""
    named = {"Principal": {"AWS": [ROOT, USER, ROLE]}} if kind in NAMED else {}
    return {"Effect": "Allow", "Action": "kms:*", "Resource": "*", **named}


@st.composite
def sources(draw: st.DrawFn, kind: DocumentKind, how: How = "any") -> PolicySource:
    """A policy that says anything, mostly begins by allowing everything, or does only that.

    One that is silent says nothing about what is asked.
    """
    name = f"{kind.name.lower()}-{draw(st.integers(0, 9))}"
    if how == "silent":
        return PolicySource(policy({**generous(kind), "Action": "kms:Sign"}, kind=kind), name)
    if how == "generous" and kind is not DocumentKind.RCP:
        return PolicySource(policy(generous(kind), kind=kind), name)
    if how == "mostly" and kind is not DocumentKind.RCP and draw(st.sampled_from("aab")) == "a":
        effects = ("Allow", "Deny", "Deny") if kind in OWN else ANY_EFFECT
        taken = draw(st.lists(statements(kind, effects), min_size=1, max_size=3))
        return PolicySource(policy(generous(kind), *taken, kind=kind), name)
    drawn = draw(st.lists(statements(kind), min_size=1, max_size=3))
    return PolicySource(policy(*drawn, kind=kind), name)


def several(
    kind: DocumentKind, most: int = 3, how: How = "any"
) -> st.SearchStrategy[tuple[PolicySource, ...]]:
    if how in ("generous", "silent"):
        return st.tuples(sources(kind, how))
    return st.lists(sources(kind, how), min_size=how == "mostly", max_size=most).map(tuple)


def perhaps(strategy: st.SearchStrategy[Any], there: bool) -> st.SearchStrategy[Any]:
    return strategy if there else st.none() | st.none() | strategy


@st.composite
def questions(draw: st.DrawFn) -> tuple[RequestContext, ApplicablePolicies]:
    """A question and the policies that have a say."""
    kind = DocumentKind
    keys = {
        name: draw(st.sampled_from(values))
        for name, values in VALUES.items()
        if draw(st.booleans())
    }
    # What every layer says; of some questions all are generous but one.
    how: How = draw(
        st.sampled_from(["any", "mostly", "mostly", "generous", "generous", "generous"])
    )
    alone = draw(st.sampled_from(ALONE)) if how == "generous" else None
    says: dict[Layer, How] = dict.fromkeys((*kind, "grants"), how)
    if alone is not None:
        says[alone] = "mostly" if alone is kind.RCP else draw(st.sampled_from(["any", "mostly"]))
    if alone == "grants":
        says[kind.KEY] = "silent"
    context = RequestContext(
        principal=draw(st.sampled_from(SESSIONS if alone is kind.SESSION else CALLERS)),
        action=draw(st.sampled_from(["kms:Encrypt", "kms:Decrypt", "kms:RetireGrant"])),
        resource=draw(st.sampled_from([KEY, KEY, KEY, "*"])),
        resource_account=draw(st.sampled_from([ACCOUNT, ACCOUNT, ACCOUNT, OTHER])),
        keys=keys,
    )
    levels = st.lists(several(kind.SCP, 2, says[kind.SCP]), min_size=alone is kind.SCP, max_size=2)
    controls = st.lists(
        several(kind.RCP, 1, says[kind.RCP]),
        min_size=alone is kind.RCP,
        max_size=0 if alone not in (None, kind.RCP) else 2,
    )
    sessions = st.lists(several(kind.SESSION, 2, says[kind.SESSION]), min_size=1, max_size=2)
    grants = several(kind.KEY, 2, says["grants"] if alone == "grants" else "any")
    return context, ApplicablePolicies(
        principal=PrincipalPolicies(
            identity_based=draw(several(kind.IDENTITY, 2, says[kind.IDENTITY])),
            boundary=draw(
                perhaps(sources(kind.BOUNDARY, says[kind.BOUNDARY]), alone is kind.BOUNDARY)
            ),
            session=tuple(draw(perhaps(sessions, alone is kind.SESSION)) or ()),
            service_control=draw(levels.map(tuple)),
        ),
        resource_based=draw(several(kind.KEY, 2, says[kind.KEY])),
        resource_policy_required=alone == "grants" or draw(st.booleans()),
        grants=draw(grants if alone == "grants" else st.just(()) | grants),
        resource_control=draw(controls.map(tuple)),
        endpoint=draw(perhaps(sources(kind.ENDPOINT, says[kind.ENDPOINT]), alone is kind.ENDPOINT)),
        cross_account_allowed=draw(st.booleans()),
        sessions_always_bound=draw(st.booleans()),
    )
