"""Each operation that is served, against everybody who may ask it (threat-model 8, iam.md 2.7).

Every request of the table of condition keys is sent over the wire, by each kind of credentials,
under policies that allow its own actions alone, all but one of them, or another resource. What is
expected follows from the rows of the operations and from the table, so an operation that joins is
tried with the rest. Judged are the decisions of the record: an example may end in an error of its
own, for a thing that it does not find or that is in the way.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from inspect import Signature, signature
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.rules import EVERY_KIND, IN_PERSON, LONG_TERM
from tests.condition_keys import OF_USERS, OPEN
from tests.identity.world import document
from tests.matrix import published
from tests.matrix.askers import ALL, ROLES, Askers, Kind, Seen, Stranger, all_but, allow, unsigned
from tests.matrix.examples import ASKING, EXAMPLES, MISSING, SERVED, Example
from tests.setting import SHARING
from tests.test_rules import NOT_PUBLISHED

SIGNING = EVERY_KIND - IN_PERSON  # the sessions of persons sign nothing (tests/console)
LIMITED = SIGNING - {Kind.ROOT_KEY, Kind.ROOT_SESSION, Kind.ROOT_TASK, Kind.LOGIN_ROOT}
"""The kinds of credentials whose permissions are policies of this account."""


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Askers]:
    askers = Askers.create(tmp_path_factory.mktemp("matrix"))
    yield askers
    askers.local.installation.close()


@pytest.fixture(scope="module")
def stranger(askers: Askers) -> Stranger:
    return askers.stranger()


Check = Callable[..., None]


def each(examples: Sequence[Example]) -> Callable[[Check], Check]:
    """A test of these examples, as one for each service: thousands would take longer to begin.

    It tells of every example that fails.
    """
    by_service: dict[str, list[Example]] = {}
    for one in examples:
        by_service.setdefault(one.service, []).append(one)

    def decorate(check: Check) -> Check:
        @wraps(check)
        def of_service(examples: list[Example], **fixtures: Any) -> None:
            wrong = [text for one in examples if (text := _wrong(check, one, fixtures))]
            assert not wrong, "\n\n".join(wrong)

        parameters = [*signature(check).parameters.values()]
        of_service.__signature__ = Signature(  # type: ignore[attr-defined]  # read by pytest
            [one if one.name != "example" else one.replace(name="examples") for one in parameters]
        )
        marked: Check = pytest.mark.parametrize("examples", by_service.values(), ids=by_service)(
            of_service
        )
        return marked

    return decorate


def _wrong(check: Check, example: Example, fixtures: Mapping[str, Any]) -> str:
    """What is wrong with an example; "" when nothing is."""
    try:
        check(example=example, **fixtures)
    except AssertionError as wrong:
        return f"{example} {dict(example.request)}: {wrong}"
    return ""


def test_every_operation_has_an_example() -> None:
    """An operation that is served cannot stay out of the matrix."""
    there = {(one.service, one.operation) for one in EXAMPLES}
    missing = [MISSING.format(service=s, name=n) for s, n in SERVED if (s, n) not in there]
    assert not missing, "\n".join(missing)
    assert len(there) == len(set(SERVED))


def test_every_kind_of_credentials_asks(askers: Askers) -> None:
    """A kind of credentials cannot stay out of the matrix."""
    missing = SIGNING - set(askers.kinds)
    assert not missing, f"add to `_sign_in` in tests/matrix/askers.py how they begin: {missing}"


def test_nobody_else_is_open() -> None:
    """The operations without a row are those that no policy can refuse."""
    assert {(one.service, one.operation) for one in EXAMPLES if not one.actions} == set(OPEN)


def assert_allowed(seen: Seen, example: Example) -> None:
    assert not seen.refused, seen
    assert seen.asked >= set(example.actions), seen
    if example.actions:
        assert seen.asked == set(example.actions), seen


def assert_refused(seen: Seen, action: str) -> None:
    """By policy, for this action, without a trace but the record."""
    assert seen.refused == [action], seen
    assert seen.answer.code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, (
        seen
    )
    assert not seen.changed, seen


def taking(askers: Askers, example: Example) -> dict[str, Credentials]:
    """Everybody whose credentials the operation takes: of each kind, and a chained session.

    A task of a root user is bounded by AWS's policy for it, whatever is given here.
    """
    kinds = example.credentials - {Kind.ROOT_TASK}
    found = {kind.name: who for kind, who in askers.kinds.items() if kind in kinds}
    return {**found, "CHAINED": askers.chained} if Kind.ROLE in kinds else found


def limited(askers: Askers, example: Example) -> dict[str, Credentials]:
    """Those of them whose permissions are policies of this account."""
    names = {kind.name for kind in LIMITED} | {"CHAINED"}
    return {name: who for name, who in taking(askers, example).items() if name in names}


@each(EXAMPLES)
def test_the_own_actions_are_enough(askers: Askers, example: Example) -> None:
    """Who may do what is asked and nothing else, is not refused; root needs no policy."""
    askers.give(allow(example.actions or ["s3:GetObject"]))
    for name, who in taking(askers, example).items():
        seen = askers.ask(example, who)
        assert_allowed(seen, example)
        assert seen.answer.status < 500, (name, seen)


@each(ASKING)
def test_everything_else_is_not_enough(askers: Askers, example: Example) -> None:
    """Who may do everything but one of the actions is refused it, whatever credentials are used."""
    for action in example.actions:
        askers.give(all_but(action))
        for who in limited(askers, example).values():
            assert_refused(askers.ask(example, who), action)


@each(ASKING)
def test_nothing_is_allowed_by_nothing(askers: Askers, example: Example) -> None:
    """Without a policy the first action that is asked is refused."""
    askers.give(allow(["s3:GetObject"]))
    for who in limited(askers, example).values():
        seen = askers.ask(example, who)
        assert_refused(seen, seen.event.decisions[0].action)


AUDIT = frozenset(
    f"iam:{name}"
    for name in (
        "GetAccessKeyLastUsed", "GetAccountSummary", "GetLoginProfile", "GetUser",
        "ListAccessKeys", "ListMFADevices", "ListSigningCertificates",
    )
)  # fmt: skip
"""What the task of looking at a root user's credentials has, about the root user (iam.md 1.10)."""


@each([one for one in ASKING if Kind.ROOT_TASK in one.credentials])
def test_a_task_of_root(askers: Askers, example: Example) -> None:
    """The root user of a member, with one task, may do that and nothing else."""
    seen = askers.ask(example, askers.kinds[Kind.ROOT_TASK])
    for decision in seen.event.decisions:
        about_root = decision.resource == "*" or decision.resource.endswith(":root")
        assert decision.allowed is (decision.action in AUDIT and about_root), seen
    assert seen.answer.status >= 400 or set(example.actions) <= AUDIT, seen
    assert not seen.changed, seen


NOT_TAKEN = [one for one in EXAMPLES if SIGNING - one.credentials]


@each(NOT_TAKEN)
def test_credentials_that_are_not_taken(askers: Askers, example: Example) -> None:
    """Credentials of another kind are refused before any policy, also if all is allowed."""
    askers.give(ALL)
    code = "InvalidClientTokenId" if example.service == "iam" else "AccessDenied"
    of_key = "InvalidSubjectCredentials" if example.operation == "GetScopedCredentials" else code
    for kind in SIGNING - example.credentials:
        seen = askers.ask(example, askers.kinds[kind])
        own = of_key if kind in LONG_TERM else code
        told = OF_USERS[str(example)] if kind in example.rules.credentials else own
        assert seen.answer.code == told, (kind, seen)
        assert (seen.event.decisions, seen.changed) == ([], False)


@each(EXAMPLES)
def test_a_request_of_nobody(askers: Askers, example: Example) -> None:
    """Without a signature, or with a wrong one, nothing is asked and nothing changed."""
    askers.give(ALL)
    who = askers.kinds[Kind.USER_KEY]
    right = askers.request(example, who)
    wrong = askers.request(example, Credentials(who.access_key, f"{who.secret_key}x"))
    codes = {"MissingAuthenticationToken", "MissingAuthenticationTokenException"}
    for request, expected in ((unsigned(right), codes), (wrong, WRONG_SIGNATURE)):
        askers.local.time.monotonic += 10  # else its record is only counted (AD-4)
        seen = askers.send(request)
        assert seen.answer.code in expected, seen
        assert seen.event.decisions == []
        assert seen.event.principal is None
        assert not seen.changed


WRONG_SIGNATURE = {"AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"}

SESSIONS = [one for one in ASKING if Kind.ROLE in one.credentials]


@each(SESSIONS)
def test_a_session_policy_without_the_action(askers: Askers, example: Example) -> None:
    """A session of a role that may do all is refused the action that its session policy leaves out.

    The same session is allowed it by a session policy that has it.
    """
    askers.give(ALL)
    enough = askers.assume(ROLES[0], Policy=document(allow(example.actions)))
    assert_allowed(askers.ask(example, enough), example)
    for action in example.actions:
        less = askers.assume(ROLES[0], Policy=document(all_but(action)))
        assert_refused(askers.ask(example, less), action)


OF_OTHER_TYPES: Mapping[str, str] = {
    "iam:ListServiceSpecificCredentials *": "with AllUsers it is about no single user",
    "iam:CreateDelegationRequest *": "the request has no id yet, and gets none",
    "organizations:AttachPolicy aws policy": "the list has AWS's own policies for other actions",
    "organizations:DeleteResourcePolicy resourcepolicy": "the only one that it can be about",
    "organizations:DescribeResourcePolicy resourcepolicy": "as before",
    **{
        f"organizations:{name} *": "there are no transfers of responsibility here to be named"
        for name in (
            "DescribeResponsibilityTransfer",
            "InviteOrganizationToTransferResponsibility",
            "TagResource",
            "TerminateResponsibilityTransfer",
            "UpdateResponsibilityTransfer",
        )
    },
    "sts:TagSession federated-user": "the session of GetFederationToken is its own resource",
}
"""Resources of types that AWS does not publish for their actions, and why they are asked about."""


def kind_of(resource: str) -> str:
    """The type that an ARN names, such as `user`, or `aws policy` of AWS's own; `*` of none."""
    if resource == "*":
        return resource
    *_, account, path = resource.split(":", 5)
    kind = re.split("[/:]", path)[0]
    return f"aws {kind}" if account == "aws" else kind


@each(ASKING)
def test_resources_are_of_published_types(askers: Askers, example: Example) -> None:
    """An action is asked about the types of resources that AWS's published table has for it."""
    askers.give(ALL)
    for decision in askers.ask(example, askers.user(example)).event.decisions:
        action, resource = decision.action, decision.resource
        if (
            action.partition(":")[2] in NOT_PUBLISHED
            or f"{action} {kind_of(resource)}" in OF_OTHER_TYPES
        ):
            continue
        assert published.is_published(action), action
        types = published.types(action)
        assert published.is_of(action, resource) if resource != "*" else not types, (
            f"{action} is asked about {resource}; AWS publishes it for {types or 'no resource'}"
        )


UNNAMED = {"delegation-request", "aws role-template"}
"""Types of IAM whose ARNs no policy may name: AWS's list of paths is without them (iam.md 4.6)."""
ELSEWHERE = "arn:aws:iam::111122223333"


def patterns(first: str, again: str) -> tuple[str, str]:
    """A pattern for a resource and one for its sibling.

    Of a thing that is made anew each time, whose ARN nobody knows beforehand, all of its place.
    """
    if first == "*":
        return "*", f"{ELSEWHERE}:user/elsewhere"
    if first.endswith(":root"):
        return first, f"{ELSEWHERE}:root"
    if kind_of(first) in UNNAMED:
        return f"{':'.join(first.split(':')[:5])}:*", f"{ELSEWHERE}:*"
    if first != again:
        place = first.rpartition("/")[0]
        return f"{place}/*", f"{place}-elsewhere/*"
    return first, f"{first[:-1]}{'y' if first[-1] == 'x' else 'x'}"


@each(ASKING)
def test_another_resource(askers: Askers, example: Example) -> None:
    """A permission for the very resources is enough; for a sibling of one of them it is not."""
    who = askers.user(example)
    askers.give(ALL)
    asked = [askers.ask(example, who).event.decisions for _ in range(2)]
    pairs = [
        (one.action, *patterns(one.resource, again.resource))
        for one, again in zip(*asked, strict=True)
    ]
    askers.give(*(allow([action], [own]) for action, own, _ in pairs), roles=())
    assert_allowed(askers.ask(example, who), example)
    for number, (action, own, other) in enumerate(pairs):
        rest = [allow([name], [right]) for i, (name, right, _) in enumerate(pairs) if i != number]
        if allow([action], [own]) in rest:
            continue  # asked twice about the same
        askers.give(*rest, allow([action], [other]), roles=())
        assert_refused(askers.ask(example, who), action)


@each(EXAMPLES)
def test_another_account(askers: Askers, stranger: Stranger, example: Example) -> None:
    """An administrator of another account is allowed nothing on this one's things, and sees none.

    The same names mean things of the other account; keys are named by their ARNs as well.
    """
    here = askers.tenant.id
    for made in ({}, abroad(askers)):
        seen = askers.ask(example, stranger.administrator, made)
        for decision in seen.event.decisions:
            assert not decision.allowed or here not in decision.resource, seen
        sent = askers.request(example, stranger.administrator, made).body
        if seen.answer.status < 400 and here.encode() not in sent:
            assert here.encode() not in seen.answer.body, seen


def abroad(askers: Askers) -> dict[str, str]:
    """The keys of this account, as callers of other accounts name them."""
    keys = f"arn:aws:kms:us-east-1:{askers.tenant.id}:key"
    names = ("@key", "@bare", "@primary", *SHARING)
    return {name: f"{keys}/{askers.made[name]}" for name in names}


ACROSS = [
    one
    for one in ASKING
    if {"@key", "@bare", "@primary", "@blob", "@role", *SHARING}
    & {str(each) for each in one.request.values()}
    and "alias/app" not in one.request.values()
]
"""The requests that name something that a policy of its own can open to another account."""


@pytest.fixture(scope="module")
def opened(askers: Askers, stranger: Stranger) -> dict[str, Any]:
    """Keys and a role of this account that let the other account in."""
    return askers.opened(stranger.account)


@each(ACROSS)
def test_across_accounts(
    askers: Askers, stranger: Stranger, opened: dict[str, Any], example: Example
) -> None:
    """What both accounts allow, is allowed for the operations that work across accounts, no other.

    A user whom the own account allows nothing is refused everything.
    """
    seen = askers.ask(example, stranger.administrator, opened)
    if example.rules.across_accounts:
        assert_allowed(seen, example)
    else:
        assert len(seen.refused) == 1, seen
        assert not seen.changed, seen
    seen = askers.ask(example, stranger.nobody, opened)
    assert len(seen.refused) == 1, seen
    assert not seen.changed, seen
