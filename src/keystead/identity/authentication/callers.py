"""The caller of a request: the principal, its policies and its condition keys, from the store.

INVARIANT: only verified facts become condition keys. A key that does not apply is absent (PE-3,
iam.md 6.1): root has no user name, and a user without tags has no principal tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from keystead import tags as tag_rule
from keystead.arns import service_in, sts_arn
from keystead.identity.authentication.session_facts import session_keys
from keystead.identity.permissions import attached, ceilings, forwarding, passed
from keystead.identity.repository import Account, IdentityRepository, Role, ServiceRecord, User
from keystead.identity.sessions import Session, SessionKind
from keystead.policy.evaluation import (
    ContextValue,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    principal_keys,
)
from keystead.store.protocol import Reader

KeyHolder = Account | User
"""The owner of a long-term key: the root user of an account, or a user."""

Owner = KeyHolder | Role
"""The entity whose permissions a session has."""

ANY_SESSION = "*"
"""Stands for the name of a session that is not known: no session has this name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, with the policies and facts that decisions about it need."""

    principal: Principal
    policies: PrincipalPolicies
    keys: Mapping[str, ContextValue]  # lower-case


def principal_of(holder: KeyHolder) -> Principal:
    """A user or a root user, without what stands above its account."""
    if isinstance(holder, Account):
        return Principal(
            type=PrincipalType.ACCOUNT,
            arn=holder.root_arn,
            account=holder.account,
            user_id=holder.account,
        )
    return Principal(
        type=PrincipalType.USER,
        arn=holder.arn,
        account=holder.account,
        user_id=holder.user_id,
        unique_id=holder.user_id,
        name=holder.name,
        tags=holder.tag_map,
    )


def root(repository: IdentityRepository, reader: Reader, account: Account) -> Caller:
    """The root user of an account. It has no policies; only policies of others bound it."""
    return _under(repository, reader, principal_of(account), PrincipalPolicies())


def user(repository: IdentityRepository, reader: Reader, record: User) -> Caller:
    """A user, with inline, managed and group policies and the boundary."""
    policies = attached.of(repository, reader, record)
    return _under(repository, reader, principal_of(record), policies)


def role(
    repository: IdentityRepository,
    reader: Reader,
    record: Role,
    session: str,
    tags: Mapping[str, str] | None = None,
) -> Caller:
    """A session of a role, with the role's policies and boundary; `tags` are the session's own.

    Keys that depend on how the session came to be are not among its condition keys.
    """
    principal = Principal(
        type=PrincipalType.ASSUMED_ROLE,
        arn=sts_arn(record.account, f"assumed-role/{record.name}/{session}"),
        account=record.account,
        user_id=f"{record.role_id}:{session}",
        unique_id=record.role_id,
        principal_arn=record.arn,
        issuer_arn=record.arn,
        issuer_id=record.role_id,
        service_linked=record.service is not None,
        tags=tag_rule.merged(record.tag_map, tags or {}, fold=True),
    )
    policies = attached.of(repository, reader, record)
    return _under(repository, reader, principal, policies)


def _under(
    repository: IdentityRepository,
    reader: Reader,
    principal: Principal,
    policies: PrincipalPolicies,
) -> Caller:
    """A principal with its own policies, under what stands above its account."""
    over = ceilings.above(repository, reader, principal.account)
    if over.organization:
        principal = replace(principal, organization=over.organization, organization_path=over.path)
        policies = msgspec.structs.replace(policies, service_control=over.service_control)
    return Caller(principal, policies, principal_keys(principal))


def any_session(repository: IdentityRepository, reader: Reader, record: Role) -> Caller:
    """A session of a role of which only the role is known: not its name, and not its own tags."""
    caller = role(repository, reader, record, ANY_SESSION)
    return replace(caller, keys={k: v for k, v in caller.keys.items() if k != "aws:userid"})


def service(record: ServiceRecord, region: str) -> Caller:
    """A service in its own name. It has no policies: the resource's alone count (iam.md 5.10)."""
    principal = Principal(
        type=PrincipalType.SERVICE,
        arn=record.name,
        account="",
        user_id=record.service_id,
        service_names=(record.name, service_in(record.name, region)),
    )
    return Caller(principal, PrincipalPolicies(), principal_keys(principal))


def of_key(repository: IdentityRepository, reader: Reader, holder: KeyHolder) -> Caller:
    """The caller of a long-term key."""
    if isinstance(holder, Account):
        return root(repository, reader, holder)
    return user(repository, reader, holder)


def of_session(
    repository: IdentityRepository,
    reader: Reader,
    session: Session,
    owner: Owner,
    by: ServiceRecord | None = None,
) -> Caller:
    """The caller of a session that has the permissions of `owner`.

    A session of GetSessionToken has the principal of its user, or root. Only its condition keys
    differ. Scope-down policies bind every session that has some, root's too. `by` is the service
    that acts for the caller: it does what its registration says, and no more.
    """
    if isinstance(owner, Role):
        caller = _of_role(repository, reader, session, owner)
    else:
        caller = of_key(repository, reader, owner)
        if session.kind is SessionKind.ROOT_TASK:
            caller = _within(repository, reader, session, caller)
        if session.kind is SessionKind.FEDERATION:
            caller = _federated(repository, reader, session, caller)
    policies = caller.policies
    if session.scope_down:
        scopes = passed.scope_down(repository, session, caller.principal.arn)
        policies = msgspec.structs.replace(policies, scope_down=scopes)
    if by is not None:
        levels = (*policies.scope_down, forwarding.within(by))
        policies = msgspec.structs.replace(policies, scope_down=levels)
    return Caller(caller.principal, policies, {**caller.keys, **session_keys(session)})


def _of_role(
    repository: IdentityRepository, reader: Reader, session: Session, owner: Role
) -> Caller:
    """A role session: the role's permissions, limited by the session policies (iam.md 5.8)."""
    caller = role(repository, reader, owner, session.name, session.tag_map)
    if session.begun_by:
        principal = replace(caller.principal, begun_by=session.begun_by)
        caller = replace(caller, principal=principal)
    return _within(repository, reader, session, caller)


def _within(
    repository: IdentityRepository, reader: Reader, session: Session, caller: Caller
) -> Caller:
    """A caller, limited by the policies of its session: of root's, by the task policy."""
    sources = passed.session_policies(repository, reader, session, caller.principal.arn)
    policies = msgspec.structs.replace(caller.policies, session=sources)
    return Caller(caller.principal, policies, caller.keys)


def _federated(
    repository: IdentityRepository, reader: Reader, session: Session, owner: Caller
) -> Caller:
    """A federated user: the user's permissions, limited by the session policies (iam.md 2.7).

    Tags that were passed replace the user's own, in any case of their keys (iam.md 5.8).
    """
    account, by = session.account, owner.principal
    principal = Principal(
        type=PrincipalType.FEDERATED_USER,
        arn=sts_arn(account, f"federated-user/{session.name}"),
        account=account,
        user_id=f"{account}:{session.name}",
        issuer_arn=by.arn,
        issuer_id=by.user_id,
        tags=tag_rule.merged(by.tags, session.tag_map, fold=True),
    )
    policies = owner.policies
    if by.type is PrincipalType.ACCOUNT:
        policies = passed.rights_of_root(repository, reader, account)
    sources = passed.session_policies(repository, reader, session, principal.arn)
    policies = msgspec.structs.replace(policies, session=sources)
    return _under(repository, reader, principal, policies)
