"""What would have to change, and that it would be enough (issue: reasons)."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.layers import places, sources_at, with_sources
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    Question,
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
    evaluate,
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
    PolicyKind.SCOPE_DOWN: DocumentKind.SESSION,
    PolicyKind.SERVICE_CONTROL: DocumentKind.SCP,
    PolicyKind.RESOURCE_CONTROL: DocumentKind.RCP,
    PolicyKind.ENDPOINT: DocumentKind.ENDPOINT,
    PolicyKind.RESOURCE: DocumentKind.KEY,
    PolicyKind.TRUST: DocumentKind.TRUST,
}


def the_change(policies: ApplicablePolicies, context: RequestContext | None = None) -> Change:
    """The only one that is proposed."""
    (change,) = smallest_changes(Question(context or ask(), policies))
    return change


def edited(source: PolicySource, changes: list[Change]) -> PolicySource:
    """A policy written anew with what is proposed for it."""
    written = {one.index: dict(one.source) for one in source.policy.statements}
    for change in changes:
        match change.what:
            case What.AVOID:
                del written[change.index]  # as if the request let its condition fail
            case What.MEET:
                del written[change.index]["Condition"]  # as if the request met it
            case What.WIDEN:
                written[change.index] = dict(change.statement)
            case What.ADD | What.COPY:
                written[len(source.policy.statements)] = dict(change.statement)
    kind = source.policy.kind
    if not written:
        return PolicySource(msgspec.structs.replace(source.policy, statements=()), source.id)
    return PolicySource(policy(*written.values(), kind=kind), source.id)


def applied(
    context: RequestContext, policies: ApplicablePolicies, changes: tuple[Change, ...]
) -> ApplicablePolicies:
    """The policies after somebody has made these changes in their documents."""
    for place in places(Question(context, policies)):
        mine = [one for one in changes if one.kind is place.kind]
        sources = sources_at(policies, place)
        new = [edited(one, [two for two in mine if two.policy == one.id]) for one in sources]
        added = [one.statement for one in mine if not one.policy]
        if added:
            new += [PolicySource(policy(added[0], kind=DOCUMENTS[place.kind]), "new")]
        if new:
            policies = with_sources(policies, place, tuple(new))
    return policies


def named_apart(context: RequestContext, policies: ApplicablePolicies) -> ApplicablePolicies:
    """The same policies, each with a name of its own."""
    for place in places(Question(context, policies)):
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
    changes = smallest_changes(Question(context, policies))
    if changes:
        assert evaluate(context, applied(context, policies, changes)).allowed


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(questions())
def test_nothing_else_is_allowed(asked: tuple[RequestContext, ApplicablePolicies]) -> None:
    """What was refused before to others, of other actions and of other resources, still is."""
    context, policies = asked[0], named_apart(*asked)
    documents = [
        one
        for one in smallest_changes(Question(context, policies))
        if one.what not in (What.MEET, What.AVOID)
    ]
    after = applied(context, policies, tuple(documents))
    other = APP if context.principal == ALICE else ALICE  # not Bob: he is federated by Alice
    before = policies
    for asked_of, its in (
        ({"action": "kms:ReEncryptTo"}, after),
        # Others have their own policies, and another resource has another policy.
        ({"principal": other}, msgspec.structs.replace(after, principal=before.principal)),
        (
            {"resource": f"{context.resource}x"},
            msgspec.structs.replace(after, resource_based=before.resource_based),
        ),
    ):
        question = msgspec.structs.replace(context, **asked_of)
        if context.resource != "*" and not evaluate(question, before).allowed:
            assert not evaluate(question, its).allowed


@pytest.mark.parametrize(
    ("who", "principal"),
    [
        (ALICE, {"AWS": USER}),
        (APP, {"AWS": ROLE}),
        (BOB, {"AWS": FEDERATED}),
        (LOGS, {"Service": "logs.amazonaws.com"}),
    ],
)
def test_a_caller_is_named_as_exactly_as_lasts(who: Principal, principal: Any) -> None:
    """A session by its role, a service by its name, whoever has no name as everybody."""
    change = smallest_changes(Question(ask(who), about_key()))[0]
    assert (change.what, change.kind) == (What.ADD, PolicyKind.RESOURCE)
    assert change.statement == {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "kms:Encrypt",
        "Resource": "*",
    }


def test_a_root_is_named_without_its_account() -> None:
    """To name it alone would leave the decision to the policies of its users."""
    change = smallest_changes(Question(ask(OWNER, aws__principalarn=ROOT), about_key()))[0]
    assert change.statement["Principal"] == {"AWS": ROOT}
    assert change.statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ROOT}}
    assert smallest_changes(Question(ask(OWNER), about_key())) == ()


def test_nobody_is_told_to_let_in_everybody() -> None:
    """Who has no name could be let in by nothing less."""
    assert smallest_changes(Question(ask(NOBODY), about_key())) == ()


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
    "principal",
    [{"AWS": ROLE}, {"AWS": [USER, ROLE]}, {"Service": "logs.amazonaws.com"}, {"AWS": ROOT}, "*"],
)
@pytest.mark.parametrize("action", ["kms:Sign", "kms:*"])
def test_nobody_is_added_to_what_others_may(principal: Any, action: str) -> None:
    """A statement that names others is left alone: it would give more than was asked for."""
    elsewhere_only = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}}}
    others = key_policy(allow(action, Principal=principal, **elsewhere_only))
    change = smallest_changes(Question(ask(), about_key((), (others,))))[0]
    assert (change.what, change.kind) == (What.ADD, PolicyKind.RESOURCE)
    assert change.statement == {
        "Effect": "Allow", "Principal": {"AWS": USER}, "Action": "kms:Encrypt", "Resource": "*",
    }  # fmt: skip


@pytest.mark.parametrize("name", [USER, [USER]])
def test_the_caller_s_own_statement_in_a_key_policy_is_widened(name: Any) -> None:
    """It names nobody else, and the key policy is about this key."""
    change = the_change(about_key((), (key_policy(allow("kms:Sign", Principal={"AWS": name})),)))
    assert (change.what, change.statement["Action"]) == (What.WIDEN, ["kms:Sign", "kms:Encrypt"])
    assert change.conditions == ()


@pytest.mark.parametrize(
    ("statement", "action", "resource"),
    [
        (allow("kms:Sign", KEY), ["kms:Sign", "kms:Encrypt"], KEY),
        (allow(["kms:Sign", "s3:*"], [KEY]), ["kms:Sign", "s3:*", "kms:Encrypt"], [KEY]),
        (allow("kms:encrypt", f"{KEY}2"), "kms:encrypt", [f"{KEY}2", KEY]),
    ],
)
def test_own_statements_are_widened_where_nothing_else_is_given(
    statement: Any, action: Any, resource: Any
) -> None:
    """One more action where there is one resource, one more resource where there is one action."""
    change = the_change(about_key((own(statement),), (DELEGATES,)))
    assert change.what is What.WIDEN
    assert (change.statement["Action"], change.statement["Resource"]) == (action, resource)


@pytest.mark.parametrize(
    ("policy_id", "attached_to"),
    [
        (f"arn:aws:iam::{ACCOUNT}:policy/shared", USER),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", USER),
        ("inline", f"arn:aws:iam::{ACCOUNT}:group/all"),
    ],
)
def test_what_others_may_have_too_is_left_alone(policy_id: str, attached_to: str) -> None:
    """Managed policies, AWS's among them, and those of groups: a new policy of the caller's is."""
    shared = PolicySource(own(allow("kms:Sign", KEY)).policy, policy_id, attached_to)
    change = the_change(about_key((shared,), (DELEGATES,)))
    assert (change.what, change.policy, change.attached_to) == (What.ADD, "", USER)
    mine = PolicySource(own(allow("s3:*", BUCKET)).policy, "inline", USER)
    change = the_change(about_key((shared, mine), (DELEGATES,)))
    assert (change.what, change.policy, change.attached_to) == (What.ADD, "inline", USER)


def test_a_full_policy_is_left_alone() -> None:
    """What could not be stored is not proposed: not in an inline policy, nor in a key policy."""
    long = [f"arn:aws:s3:::{'b' * 60}{i:04}" for i in range(24)]  # two KiB, of a user's two
    full = PolicySource(own(allow("s3:*", long)).policy, "full", USER)
    change = the_change(about_key((full,), (DELEGATES,)))
    assert (change.what, change.policy) == (What.ADD, "")
    half = PolicySource(own(allow("s3:*", long[:10])).policy, "half", USER)
    assert the_change(about_key((half,), (DELEGATES,))).policy == "half"
    other = msgspec.structs.replace(half, id="other")
    assert the_change(about_key((half, other, full), (DELEGATES,))).policy == ""
    sids = [allow(Sid="s" * 1000, **to(ROLE)) for _ in range(31)]
    assert smallest_changes(Question(ask(), about_key((), (key_policy(*sids),)))) == ()
    assert smallest_changes(Question(ask(), about_key((), (key_policy(*sids[3:]),)))) != ()


def test_nothing_of_iam_s_gets_a_policy() -> None:
    """Another account's user has none that could let somebody in."""
    user = f"arn:aws:iam::{OTHER}:user/u"
    asked = ask(action="iam:GetUser", resource=user, account=OTHER)
    assert smallest_changes(Question(asked, elsewhere((own(allow("iam:*")),)))) == ()


def test_a_boundary_is_widened_for_the_caller_alone() -> None:
    """Others may have the same one; of AWS's own, it is a copy."""
    context = ask(aws__principalarn=USER)
    narrow = ceiling(allow("s3:*"))
    shared = msgspec.structs.replace(narrow, id=f"arn:aws:iam::{ACCOUNT}:policy/limit")
    change = the_change(about_key((own(allow()),), (DELEGATES,), boundary=shared), context)
    assert (change.what, change.policy) == (What.ADD, shared.id)
    assert change.statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": USER}}
    aws = msgspec.structs.replace(narrow, id="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    change = the_change(about_key((own(allow()),), (DELEGATES,), boundary=aws), context)
    assert (change.what, change.policy) == (What.COPY, aws.id)
    assert change.statement == {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": KEY}
    # Without its ARN nothing would tell the caller from others.
    assert (
        smallest_changes(Question(ask(), about_key((own(allow()),), (DELEGATES,), boundary=shared)))
        == ()
    )


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "kms:Decrypt", "Resource": f"{KEY}-other"},
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
def test_the_least_permission_is_chosen_wherever_it_stands(turned: bool) -> None:
    """A statement whose conditions can be met comes before one that is to be widened."""
    far, near, meets = (
        allow("s3:*", BUCKET, Sid="Far"),
        allow("kms:Sign", KEY, Sid="Near"),
        allow(Sid="Meets", Condition=UNMET),
    )
    for statements, sid in (([far, near], "Near"), ([far, near, meets], "Meets")):
        ordered = statements[::-1] if turned else statements
        change = the_change(about_key((own(*ordered),), (DELEGATES,)))
        assert (change.sid, change.index) == (sid, [one["Sid"] for one in ordered].index(sid))
        assert (change.what is What.MEET) is (sid == "Meets")
        assert change.statement["Sid"] == sid


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:username": "bob"}},
        {"StringEquals": {"aws:PrincipalTag/team": "red"}},
        {"StringEquals": {"aws:ResourceTag/team": "red"}},
        {"StringEquals": {"kms:KeySpec": "RSA_2048"}},
        {"StringEquals": {"kms:CallerAccount": OTHER}},
    ],
)
def test_conditions_that_no_request_can_meet(condition: Any) -> None:
    """Who asks and what about is not the request's to change: a statement is added."""
    change = the_change(about_key((own(allow(Condition={**UNMET, **condition})),), (DELEGATES,)))
    assert change.what is What.ADD


def test_what_cannot_be_met_together_is_not_proposed() -> None:
    """A Deny of just what the Allow asks for: then a statement is added."""
    denied = deny(Condition=UNMET)
    policies = about_key((own(allow(Condition=UNMET), denied),), (DELEGATES,))
    assert the_change(policies).what is What.ADD


def test_only_unmet_conditions_are_to_be_met() -> None:
    """What the request fulfils already is not named."""
    conditions = {**UNMET, "Bool": {"aws:SecureTransport": "true"}}
    policies = about_key((own(allow(Condition=conditions)),), (DELEGATES,))
    change = the_change(policies, ask(aws__securetransport="true"))
    assert change.what is What.MEET
    assert [(one.key, one.met) for one in change.conditions] == [("app:a", False)]
    assert change.statement["Condition"] == conditions


def test_a_deny_is_never_to_be_removed() -> None:
    """Somebody wanted it: where no condition can fail, there is no smallest change."""
    denying = own(deny("s3:*"), deny(Sid="No"), allow())
    assert smallest_changes(Question(ask(), about_key((denying,), (DELEGATES,)))) == ()
    of_caller = {"StringEquals": {"aws:username": "alice"}}
    denying = own(deny(Condition=of_caller), allow())
    assert (
        smallest_changes(Question(ask(aws__username="alice"), about_key((denying,), (DELEGATES,))))
        == ()
    )


def test_the_conditions_of_a_deny_are_to_fail() -> None:
    """Those that are the request's; other statements, and other policies, stay as they are."""
    condition = {"StringEquals": {"app:a": "x", "aws:username": "alice"}}
    denying = PolicySource(own(deny("s3:*"), deny(Condition=condition)).policy, "Limits", USER)
    policies = about_key((denying, own(allow())), (DELEGATES,))
    change = the_change(policies, ask(app__a="x", aws__username="alice"))
    assert (change.what, change.policy, change.attached_to) == (What.AVOID, "Limits", USER)
    assert (change.index, [one.key for one in change.conditions]) == (1, ["app:a"])


def test_a_deny_of_each_policy_is_to_be_avoided() -> None:
    """In the order in which a refusal names them."""
    asked: dict[str, Any] = {"Condition": UNMET}
    rcp = ceiling(deny(Principal="*", **asked), kind=DocumentKind.RCP)
    policies = about_key(
        (own(allow(), deny(**asked)),),
        (key_policy(allow(**to(ROOT)), deny(**to(USER), **asked)),),
        scps=((ceiling(allow("*"), deny(**asked), kind=DocumentKind.SCP),),),
        resource_control=((), (rcp,)),
        endpoint=source(
            allow(**to("*")), deny(**to("*"), **asked), kind=DocumentKind.ENDPOINT, name="endpoint"
        ),
    )
    changes = smallest_changes(Question(ask(app__a="x"), policies))
    assert [(one.what, one.policy) for one in changes] == [
        (What.AVOID, "scp"),
        (What.AVOID, "rcp"),
        (What.AVOID, "endpoint"),
        (What.AVOID, "default"),
        (What.AVOID, "own"),
    ]


def test_each_level_of_an_organization_has_its_own_change() -> None:
    """What the level above allows is no statement of the level that refuses."""
    root = PolicySource(ceiling(allow("*"), kind=DocumentKind.SCP).policy, "Full", "r-1")
    unit = PolicySource(ceiling(allow("kms:Sign"), kind=DocumentKind.SCP).policy, "Few", "ou-1")
    account = PolicySource(ceiling(deny("s3:*"), kind=DocumentKind.SCP).policy, "None", ACCOUNT)
    policies = about_key((own(allow()),), (DELEGATES,), scps=((root,), (unit,), (account,)))
    changes = smallest_changes(Question(ask(aws__principalarn=USER), policies))
    assert [(one.what, one.policy, one.attached_to) for one in changes] == [
        (What.ADD, "Few", "ou-1"),
        (What.ADD, "None", ACCOUNT),
    ]


def test_what_is_added_is_added_to_the_first_policy() -> None:
    """And to a new one where there is none, as for a federated user without session policies."""
    first = PolicySource(own(allow("s3:*", BUCKET)).policy, "First", USER)
    change = the_change(about_key((first, own(allow("s3:*", BUCKET))), (DELEGATES,)))
    assert (change.policy, change.attached_to) == ("First", USER)

    bob = smallest_changes(Question(ask(BOB), about_key((own(allow()),), (DELEGATES,))))
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
    assert the_change(named, context).statement["Principal"] == {"AWS": USER}
    conditional = about_key((identity,), (trust_policy({"AWS": USER}, Condition=UNMET),))
    assert the_change(conditional, context).what is What.MEET


def test_conditions_that_an_installation_does_not_accept_stay() -> None:
    """A policy stored with `accept_unsupported_condition_keys` is changed as others are."""
    old = allow("kms:Sign", KEY, Condition={"Null": {"aws:SourceOwner": "true"}})
    stored = compile_policy(
        text(old), DocumentKind.IDENTITY, accept_unsupported_condition_keys=True
    )
    change = the_change(about_key((PolicySource(stored, "old"),), (DELEGATES,)))
    assert (change.what, change.statement["Condition"]) == (What.WIDEN, old["Condition"])


@pytest.mark.parametrize(("action", "resource"), [("Encrypt", KEY), ("kms:Encrypt", "key/a")])
def test_what_cannot_stand_in_a_document_is_not_proposed(action: str, resource: str) -> None:
    """A name that no policy could be stored with, of an action or of a resource."""
    assert smallest_changes(Question(ask(action=action, resource=resource), elsewhere())) == ()
    assert smallest_changes(Question(ask(), elsewhere())) != ()


def test_changes_are_few() -> None:
    """Where very many statements deny, nobody is told of each of them."""
    for denies, proposed in ((64, 64), (65, 0)):
        statements = [deny(Sid=f"D{i}", Condition=UNMET) for i in range(denies)]
        policies = about_key((own(allow(), *statements),), (DELEGATES,))
        assert len(smallest_changes(Question(ask(app__a="x"), policies))) == proposed


def test_what_is_allowed_needs_no_change() -> None:
    """Neither does what needs no permission."""
    assert smallest_changes(Question(ask(), about_key((own(allow()),), (DELEGATES,)))) == ()
    open_to_all = ask(action="sts:GetCallerIdentity", resource="*")
    assert smallest_changes(Question(open_to_all, ApplicablePolicies(PrincipalPolicies()))) == ()
