"""Roles that are stored as CreateRole stores them, and the sessions that are begun with them."""

import json
from typing import Any

import msgspec

from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import Authenticated, Caller
from keystead.identity.permissions import trust
from keystead.identity.principals import StoredPrincipals
from keystead.identity.repository import Role, new
from keystead.wire.models import sts
from tests.identity.signing import signed
from tests.identity.world import Person, Tenant, document

ASSUME = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


class Temporary(msgspec.Struct):
    """The credentials of a session, as their owner has them."""

    key: IssuedKey
    token: str


def trusting(who: str, *actions: str, **statement: Any) -> str:
    """A trust policy for one principal; all three actions unless told otherwise."""
    return document(
        {
            "Effect": "Allow", "Principal": {"AWS": who}, "Action": list(actions or ASSUME),
            **statement,
        }
    )  # fmt: skip


def stored_role(tenant: Tenant, name: str, trusted: str, **columns: Any) -> Role:
    """A role of this account."""
    world = tenant.world
    principals = StoredPrincipals(world.repository, world.store.read())
    meant = trust.read(
        world.repository, trusted, principals, accept_unsupported_condition_keys=False
    )
    given = {
        "description": None, "trust_policy": trusted, "trusted": json.dumps(meant),
        "longest_session": 3600, "service": None, "boundary": None, "tags": "{}", **columns,
    }  # fmt: skip
    role = new(Role, tenant.id, given.pop("path", "/"), name, 1_700_000_000, **given)
    with world.store.write() as transaction:
        world.repository.roles.insert(transaction, role)
    return role


def authenticated(tenant: Tenant, who: Temporary) -> Authenticated:
    """The caller of a request that is signed with these credentials now."""
    world = tenant.world
    request = signed(who.key, now=world.now, token=who.token)
    return world.authenticator().authenticate(world.store.read(), request, sts.SERVICE, world.now)


def assume(
    caller: Person | tuple[Tenant, Temporary], role: Role | str, **members: Any
) -> Temporary:
    """A session of a role, for a person or for a session."""
    asked = {
        "role_arn": role if isinstance(role, str) else role.arn,
        "role_session_name": "me",
        **members,
    }
    if isinstance(caller, Person):
        answer = caller(sts.AssumeRole, **asked)
    else:
        tenant, who = caller
        found = authenticated(tenant, who)
        asking = Caller(found.principal, found.policies, found.keys)
        answer = tenant.world.run(asking, sts.AssumeRole, found.session, **asked)
    given = answer.credentials
    assert given is not None
    return Temporary(IssuedKey(given.access_key_id, given.secret_access_key), given.session_token)
