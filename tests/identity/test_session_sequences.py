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
from keystead.identity.repository import InlinePolicy, Role
from keystead.policy.evaluation import PolicySource, PrincipalPolicies, evaluate
from keystead.policy.evaluation.asking import ask
from keystead.policy.language import DocumentKind, stored_policy
from keystead.wire.models import sts
from tests.identity.assuming import Temporary, assume, authenticated, stored_role, trusting
from tests.identity.world import Person, Tenant, World, document

ACTIONS = ("kms:ListKeys", "kms:CreateKey", "iam:ListUsers", "sts:GetAccessKeyInfo")


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


steps = st.lists(
    st.tuples(st.sampled_from(["own", "federated", 0, 1]), st.none() | documents()),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=60)
@given(users=documents(), firsts=documents(), seconds=documents(), sequence=steps)
def test_no_sequence_of_sessions_gains(
    start: Start, users: str, firsts: str, seconds: str, sequence: list[tuple[Any, str | None]]
) -> None:
    """Each session may at most what its user or role may, and what its session policy allows.

    A session of GetSessionToken or GetFederationToken is never the way to another one; the policy
    that is passed with the last step bounds what the whole sequence ends with.
    """
    tenant, user = start.tenant, start.user
    ids = [user.caller.principal.unique_id, *(role.role_id for role in start.roles)]
    for entity_id, text in zip(ids, (users, firsts, seconds), strict=True):
        start.give(entity_id, text)
    who: Temporary | None = None
    for step, passed in sequence:
        given = {} if passed is None or step == "own" else {"policy": passed}
        if step in ("own", "federated"):
            if who is not None:
                continue  # no session asks for one of its own (iam.md 2.7)
            owner = allowed(user.caller)
            try:
                made = begin(user, step, given)
            except AwsError:
                continue
        else:
            role = start.roles[step]
            try:
                made = assume(user if who is None else (tenant, who), role, **given)
            except AwsError:
                continue
            owner = allowed(authenticated(tenant, assume(user, role)))
        found = authenticated(tenant, made)
        now = allowed(found)
        assert now <= owner
        if given:
            assert now <= alone(given["policy"], found)
        elif step == "federated":
            assert not now
        else:
            assert now == owner
        if step not in ("own", "federated"):
            who = made


def begin(user: Person, step: str, given: dict[str, str]) -> Temporary:
    """A session of the user's own."""
    if step == "own":
        answer: Any = user(sts.GetSessionToken)
    else:
        answer = user(sts.GetFederationToken, name="jim", **given)
    held = answer.credentials
    return Temporary(IssuedKey(held.access_key_id, held.secret_access_key), held.session_token)
