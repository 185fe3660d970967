"""No sequence of sessions ends with more than its start allowed (threat-model P-08, ST-3)."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.call import Target
from keystead.errors import AwsError
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import Authenticated, Caller
from keystead.identity.authentication.taken import require_taken
from keystead.identity.repository import InlinePolicy, Role
from keystead.identity.rules import STS
from keystead.policy.evaluation import PolicySource, PrincipalPolicies, evaluate
from keystead.policy.evaluation.asking import ask
from keystead.policy.language import DocumentKind, stored_policy
from keystead.rules import CredentialKind
from keystead.wire.models import sts
from tests.identity.assuming import Temporary, assume, authenticated, stored_role, trusting
from tests.identity.world import Person, Tenant, World, document

ACTIONS = (
    "kms:ListKeys", "kms:CreateKey", "iam:ListUsers", "sts:GetAccessKeyInfo",
    "sts:GetScopedCredentials",
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Policies that allow and deny some of the actions, by name or by pattern."""
    actions = st.sampled_from([*ACTIONS, "kms:*", "*", "sts:*"])
    statements = draw(
        st.lists(
            st.builds(
                lambda effect, action: {"Effect": effect, "Action": action, "Resource": "*"},
                st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
                st.lists(actions, min_size=1, max_size=2),
            ),
            min_size=1, max_size=3,
        )
    )  # fmt: skip
    return document(*statements)


class Start(msgspec.Struct):
    """An account with a user and two roles, whose policies each example replaces."""

    tenant: Tenant
    user: Person
    roles: list[Role]

    def give(self, entity_id: str, text: str) -> None:
        """Replace the only policy of a user or role, its right to begin sessions aside."""
        world = self.tenant.world
        table = world.repository.inline_policies
        reader = world.store.read()
        with world.store.write() as transaction:
            for old in table.of(reader, self.tenant.id, (entity_id,)):
                if old.name == "drawn":
                    table.delete(transaction, old)
            table.insert(
                transaction,
                InlinePolicy(
                    account=self.tenant.id, entity_id=entity_id, name="drawn", document=text,
                    created=0,
                ),
            )  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    world = World.create(tmp_path_factory.mktemp("sequences"))
    tenant = world.account()
    user = tenant.user("alice")
    roles = [stored_role(tenant, name, trusting("*")) for name in ("first", "second")]
    yield Start(tenant, user, roles)
    world.store.close()


def allowed(who: Authenticated | Caller) -> set[str]:
    """What somebody may do now, of the actions above."""
    return {
        action
        for action in ACTIONS
        if evaluate(
            ask(
                who.principal, who.policies, action,
                Target("*", who.principal.account), dict(who.keys),
            )
        ).allowed
    }  # fmt: skip


def alone(text: str, who: Authenticated) -> set[str]:
    """What a document allows when nothing else has a say."""
    source = PolicySource(stored_policy(text, DocumentKind.IDENTITY), "p")
    policies = PrincipalPolicies(identity_based=(source,), session=((source,),))
    return allowed(msgspec.structs.replace(who, policies=policies))


STEPS = ["own", "federated", "scoped", "scoped", 0, 1]
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.none() | documents()), min_size=1, max_size=5)


@settings(max_examples=80)
@given(users=documents(), firsts=documents(), seconds=documents(), sequence=steps)
def test_no_sequence_of_sessions_gains(
    start: Start, users: str, firsts: str, seconds: str, sequence: list[tuple[Any, str | None]]
) -> None:
    """What a sequence of calls ends with was allowed at its start, and by all that was passed.

    The start is the user or, after AssumeRole, the role: whoever may assume it has what it gives,
    within the session policies. No session gives back what a policy before it took away: not by
    asking for a session of its own, and not by narrowing itself anew.
    """
    tenant, user = start.tenant, start.user
    ids = [user.caller.principal.unique_id, *(role.role_id for role in start.roles)]
    for entity_id, text in zip(ids, (users, firsts, seconds), strict=True):
        start.give(entity_id, text)
    who: Temporary | None = None  # the user's own key
    least = allowed(user.caller)
    for step, passed in sequence:
        given = {} if passed is None or step == "own" else {"policy": passed}
        before = may(tenant, who) if who is not None else allowed(user.caller)
        try:
            made = begin(start, who, step, given)
        except AwsError:
            continue
        if step in (0, 1):  # a new start
            least = allowed(authenticated(tenant, assume(user, start.roles[step])))
        found = authenticated(tenant, made)
        now = allowed(found)
        expected = least & alone(given["policy"], found) if given else least
        if step == "federated" and not given:
            expected = set()
        if step == "scoped":
            assert now <= before
        assert now == expected
        who, least = made, now


def may(tenant: Tenant, who: Temporary) -> set[str]:
    """What a session may do now."""
    return allowed(authenticated(tenant, who))


def begin(start: Start, who: Temporary | None, step: str | int, given: dict[str, str]) -> Temporary:
    """The credentials that a caller gets by this step, as the door and the operation allow it."""
    operation: Any = {
        "own": sts.GetSessionToken,
        "federated": sts.GetFederationToken,
        "scoped": sts.GetScopedCredentials,
    }.get(str(step), sts.AssumeRole)
    members: dict[str, Any] = dict(given)
    if step == "federated":
        members["name"] = "jim"
    elif step == "scoped":
        members["duration_seconds"] = 60
    elif step in (0, 1):
        role = start.roles[int(step)]
        members |= {"role_arn": role.arn, "role_session_name": "me"}
    kind, session, caller = CredentialKind.USER_KEY, None, start.user.caller
    if who is not None:
        found = authenticated(start.tenant, who)
        kind, session = found.credentials, found.session
        caller = Caller(found.principal, found.policies, found.keys)
    require_taken(kind, STS[operation.name])
    held = start.tenant.world.run(caller, operation, session, **members).credentials
    return Temporary(IssuedKey(held.access_key_id, held.secret_access_key), held.session_token)
