"""What would have to change, and that it would be enough (issue: reasons)."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.evaluate import evaluate
from keystead.policy.evaluation.layers import places, sources_at, with_sources
from keystead.policy.evaluation.matching import Question
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind, compile_policy, stored_policy
from keystead.policy.reasons.changes import Change, What, smallest_changes
from tests.policy.generators import questions
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
    source,
    text,
    to,
    trust_policy,
)

DELEGATES = key_policy(allow(**to(ROOT)))
BUCKET = "arn:aws:s3:::b"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/D"
BEARER = Principal(PrincipalType.FEDERATED, PROVIDER, "", PROVIDER, issuer_arn=PROVIDER)
UNMET = {"StringEquals": {"app:a": "x"}}
DOCUMENTS = {
    PolicyKind.IDENTITY: DocumentKind.IDENTITY,
    PolicyKind.BOUNDARY: DocumentKind.BOUNDARY,
    PolicyKind.SESSION: DocumentKind.SESSION,
    PolicyKind.SERVICE_CONTROL: DocumentKind.SCP,
    PolicyKind.RESOURCE_CONTROL: DocumentKind.RCP,
    PolicyKind.ENDPOINT: DocumentKind.ENDPOINT,
    PolicyKind.RESOURCE: DocumentKind.KEY,
    PolicyKind.TRUST: DocumentKind.TRUST,
}


def the_change(policies: ApplicablePolicies, context: RequestContext | None = None) -> Change:
    """The only one that is proposed."""
    (change,) = smallest_changes(context or ask(), policies)
    return change


def edited(source: PolicySource, changes: list[Change]) -> PolicySource:
    """A policy written anew with what is proposed for it."""
    written = {one.index: dict(one.source) for one in source.policy.statements}
    for change in changes:
        match change.what:
            case What.REMOVE:
                del written[change.index]
            case What.MEET:
                del written[change.index]["Condition"]  # as if the request met it
            case What.WIDEN:
                written[change.index] = dict(change.statement)
            case What.ADD:
                written[len(source.policy.statements)] = dict(change.statement)
    kind = source.policy.kind
    if not written:
        return PolicySource(msgspec.structs.replace(source.policy, statements=()), source.id)
    return PolicySource(policy(*written.values(), kind=kind), source.id)


def applied(
    context: RequestContext, policies: ApplicablePolicies, changes: tuple[Change, ...]
) -> ApplicablePolicies:
    """The policies after somebody has made these changes in their documents."""
    for place in places(Question.of(context, policies)):
        mine = [one for one in changes if one.kind is place.kind]
        sources = sources_at(policies, place)
        new = [edited(one, [two for two in mine if two.policy == one.id]) for one in sources]
        added = [one.statement for one in mine if not one.policy]
        if added and not sources:
            new = [PolicySource(policy(added[0], kind=DOCUMENTS[place.kind]), "new")]
        if new:
            policies = with_sources(policies, place, tuple(new))
    return policies


def named_apart(context: RequestContext, policies: ApplicablePolicies) -> ApplicablePolicies:
    """The same policies, each with a name of its own."""
    for place in places(Question.of(context, policies)):
        sources = tuple(
            msgspec.structs.replace(one, id=f"{place.kind}-{place.level}-{i}")
            for i, one in enumerate(sources_at(policies, place))
        )
        if sources:
            policies = with_sources(policies, place, sources)
    return policies


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(questions())
def test_what_is_proposed_allows(asked: tuple[RequestContext, ApplicablePolicies]) -> None:
    """Whoever writes the proposed changes into the documents is allowed then."""
    context, policies = asked[0], named_apart(*asked)
    changes = smallest_changes(context, policies)
    if changes:
        assert evaluate(context, applied(context, policies, changes)).allowed


@pytest.mark.parametrize(
    ("who", "principal"),
    [
        (ALICE, {"AWS": USER}),
        (APP, {"AWS": ROLE}),
        (BOB, {"AWS": FEDERATED}),
        (OWNER, {"AWS": ROOT}),
        (LOGS, {"Service": "logs.amazonaws.com"}),
        (NOBODY, {"AWS": "*"}),
    ],
)
def test_a_caller_is_named_as_exactly_as_lasts(who: Principal, principal: Any) -> None:
    """A session by its role, a service by its name, whoever has no name as everybody."""
    change = smallest_changes(ask(who), about_key())[0]
    assert (change.what, change.kind) == (What.ADD, PolicyKind.RESOURCE)
    assert change.statement == {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "kms:Encrypt",
        "Resource": "*",
    }


def test_a_bearer_of_an_assertion_is_named_by_its_provider() -> None:
    """A trust policy speaks of no resource, and of the provider as Federated."""
    context = ask(BEARER, "sts:AssumeRoleWithSAML", ROLE)
    change = the_change(about_key(), context)
    assert (change.what, change.kind) == (What.ADD, PolicyKind.TRUST)
    assert change.statement == {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithSAML",
    }


@pytest.mark.parametrize(
    ("written", "principal"),
    [
        ({"AWS": ROLE}, {"AWS": [ROLE, USER]}),
        ({"AWS": [ROLE, FEDERATED]}, {"AWS": [ROLE, FEDERATED, USER]}),
        (
            {"Service": "logs.amazonaws.com"},
            {"Service": "logs.amazonaws.com", "AWS": [USER]},
        ),
    ],
)
def test_principals_are_widened_by_the_caller(written: Any, principal: Any) -> None:
    """Whoever was named before stays named."""
    change = the_change(about_key((), (key_policy(allow(Principal=written)),)))
    assert (change.what, change.statement["Principal"]) == (What.WIDEN, principal)
    assert change.conditions == ()


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:*", "NotResource": "arn:aws:kms:*:*:key/*"},
        allow("s3:*", BUCKET),  # two steps away
        allow("s3:*", BUCKET, Condition=UNMET),
        allow("s3:*", Condition=UNMET),
        deny("s3:*"),
    ],
)
def test_what_cannot_be_widened_is_left_alone(statement: Any) -> None:
    """A list of exceptions, a statement that is far, a Deny: a statement of its own is added."""
    change = the_change(about_key((own(statement),), (DELEGATES,)))
    assert (change.what, change.policy, change.index, change.sid) == (What.ADD, "own", -1, "")
    assert change.statement == {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": KEY}
    assert change.conditions == ()


def test_exceptions_of_a_key_policy_are_left_alone() -> None:
    """Who is named already is not named again, where the action is an exception."""
    but = key_policy({"Effect": "Allow", "NotAction": "kms:*", "Resource": "*", **to(USER)})
    change = the_change(about_key((), (but,)))
    assert (change.what, change.statement["Action"]) == (What.ADD, "kms:Encrypt")


def test_exempted_principals_are_left_alone() -> None:
    """Nobody is taken out of a NotPrincipal."""
    bucket = source(
        {"Effect": "Allow", "NotPrincipal": {"AWS": USER}, "Action": "s3:*", "Resource": "*"},
        kind=DocumentKind.RESOURCE,
        name="bucket",
    )
    context = ask(action="s3:GetObject", resource=BUCKET, account=OTHER)
    policies = elsewhere((own(allow("s3:*")),), resource_based=(bucket,))
    change = the_change(policies, context)
    assert (change.what, change.policy) == (What.ADD, "bucket")
    assert change.statement["Resource"] == BUCKET  # only in a key policy is it "*"


def test_a_statement_that_never_matches_is_left_alone() -> None:
    """In an old key policy that is one without Resource: a wider one would not match either."""
    stored = text({"Effect": "Allow", "Action": "kms:Sign", **to(USER)})
    void = PolicySource(stored_policy(stored, DocumentKind.KEY), "default")
    assert the_change(about_key((), (void,))).what is What.ADD
    near = key_policy(allow("kms:Sign", **to(USER)))
    assert the_change(about_key((), (near,))).what is What.WIDEN


@pytest.mark.parametrize("turned", [False, True])
def test_the_nearest_is_chosen_wherever_it_stands(turned: bool) -> None:
    """Of several Allows the one that lacks least, and first one that needs no other policy."""
    far, near, meets = (
        allow("s3:*", BUCKET, Sid="Far"),
        allow("kms:Sign", Sid="Near"),
        allow(Sid="Meets", Condition=UNMET),
    )
    for statements, sid in (([far, near], "Near"), ([far, near, meets], "Meets")):
        ordered = statements[::-1] if turned else statements
        change = the_change(about_key((own(*ordered),), (DELEGATES,)))
        assert (change.sid, change.index) == (sid, [one["Sid"] for one in ordered].index(sid))
        assert (change.what is What.MEET) is (sid == "Meets")
        assert change.statement["Sid"] == sid


def test_only_unmet_conditions_are_to_be_met() -> None:
    """What the request fulfils already is not named."""
    conditions = {**UNMET, "Bool": {"aws:SecureTransport": "true"}}
    policies = about_key((own(allow(Condition=conditions)),), (DELEGATES,))
    change = the_change(policies, ask(aws__securetransport="true"))
    assert change.what is What.MEET
    assert [(one.key, one.met) for one in change.conditions] == [("app:a", False)]
    assert change.statement["Condition"] == conditions


def test_only_a_deny_that_matches_is_to_be_removed() -> None:
    """Other statements, and other policies, stay as they are."""
    denying = PolicySource(own(deny("s3:*"), deny(Sid="No"), allow("s3:*")).policy, "Limits", USER)
    policies = about_key((denying, own(allow())), (DELEGATES,))
    change = the_change(policies)
    assert (change.what, change.policy, change.attached_to) == (What.REMOVE, "Limits", USER)
    assert (change.index, change.sid, change.statement["Sid"]) == (1, "No", "No")


def test_a_deny_of_each_policy_is_to_be_removed() -> None:
    """In the order in which a refusal names them."""
    rcp = ceiling(deny(Principal="*"), kind=DocumentKind.RCP)
    policies = about_key(
        (own(allow(), deny()),),
        (key_policy(allow(**to(ROOT)), deny(**to(USER))),),
        scps=((ceiling(allow("*"), deny(), kind=DocumentKind.SCP),),),
        resource_control=((), (rcp,)),
        endpoint=source(
            allow(**to("*")), deny(**to("*")), kind=DocumentKind.ENDPOINT, name="endpoint"
        ),
    )
    changes = smallest_changes(ask(), policies)
    assert [(one.what, one.policy) for one in changes] == [
        (What.REMOVE, "scp"),
        (What.REMOVE, "rcp"),
        (What.REMOVE, "endpoint"),
        (What.REMOVE, "default"),
        (What.REMOVE, "own"),
    ]


def test_each_level_of_an_organization_has_its_own_change() -> None:
    """What the level above allows is no statement of the level that refuses."""
    root = PolicySource(ceiling(allow("*"), kind=DocumentKind.SCP).policy, "Full", "r-1")
    unit = PolicySource(ceiling(allow("kms:Sign"), kind=DocumentKind.SCP).policy, "Few", "ou-1")
    account = PolicySource(ceiling(deny("s3:*"), kind=DocumentKind.SCP).policy, "None", ACCOUNT)
    policies = about_key((own(allow()),), (DELEGATES,), scps=((root,), (unit,), (account,)))
    changes = smallest_changes(ask(), policies)
    assert [(one.what, one.policy, one.attached_to) for one in changes] == [
        (What.WIDEN, "Few", "ou-1"),
        (What.ADD, "None", ACCOUNT),
    ]


def test_what_is_added_is_added_to_the_first_policy() -> None:
    """And to a new one where there is none, as for a federated user without session policies."""
    first = PolicySource(own(allow("s3:*", BUCKET)).policy, "First", USER)
    change = the_change(about_key((first, own(allow("s3:*", BUCKET))), (DELEGATES,)))
    assert (change.policy, change.attached_to) == ("First", USER)

    bob = smallest_changes(ask(BOB), about_key((own(allow()),), (DELEGATES,)))
    assert [(one.what, one.kind, one.policy, one.attached_to) for one in bob] == [
        (What.ADD, PolicyKind.SESSION, "", "")
    ]


def test_the_policy_of_an_endpoint_names_whom_it_lets_through() -> None:
    """It speaks of principals and of resources."""
    endpoint = source(allow("s3:*", BUCKET, **to("*")), kind=DocumentKind.ENDPOINT, name="endpoint")
    policies = about_key((own(allow()),), (DELEGATES,), endpoint=endpoint)
    change = the_change(policies)
    assert (change.what, change.kind) == (What.ADD, PolicyKind.ENDPOINT)
    assert change.statement["Principal"] == {"AWS": USER}
    assert change.statement["Resource"] == KEY


def test_a_trust_policy_is_widened_and_met_as_any_other() -> None:
    """Its statements have no Resource, and need none."""
    context = ask(action="sts:AssumeRole", resource=ROLE, account=OTHER)
    identity = own(allow("sts:*"))
    named = about_key((identity,), (trust_policy({"AWS": f"{ROLE}2"}),))
    assert the_change(named, context).statement["Principal"] == {"AWS": [f"{ROLE}2", USER]}
    conditional = about_key((identity,), (trust_policy({"AWS": USER}, Condition=UNMET),))
    assert the_change(conditional, context).what is What.MEET


def test_conditions_that_an_installation_does_not_accept_stay() -> None:
    """A policy stored with `accept_unsupported_condition_keys` is changed as others are."""
    old = allow("s3:*", Condition={"Null": {"aws:SourceOwner": "true"}})
    stored = compile_policy(
        text(old), DocumentKind.IDENTITY, accept_unsupported_condition_keys=True
    )
    change = the_change(about_key((PolicySource(stored, "old"),), (DELEGATES,)))
    assert (change.what, change.statement["Condition"]) == (What.WIDEN, old["Condition"])


@pytest.mark.parametrize(("action", "resource"), [("Encrypt", KEY), ("kms:Encrypt", "key/a")])
def test_what_cannot_stand_in_a_document_is_not_proposed(action: str, resource: str) -> None:
    """A name that no policy could be stored with, of an action or of a resource."""
    assert smallest_changes(ask(action=action, resource=resource), elsewhere()) == ()
    assert smallest_changes(ask(), elsewhere()) != ()


def test_changes_are_few() -> None:
    """Where very many statements deny, nobody is told to remove them one by one."""
    for denies, proposed in ((64, 64), (65, 0)):
        statements = [deny(Sid=f"D{i}") for i in range(denies)]
        policies = about_key((own(allow(), *statements),), (DELEGATES,))
        assert len(smallest_changes(ask(), policies)) == proposed


def test_what_is_allowed_needs_no_change() -> None:
    """Neither does what needs no permission."""
    assert smallest_changes(ask(), about_key((own(allow()),), (DELEGATES,))) == ()
    open_to_all = ask(action="sts:GetCallerIdentity", resource="*")
    assert smallest_changes(open_to_all, ApplicablePolicies(PrincipalPolicies())) == ()
