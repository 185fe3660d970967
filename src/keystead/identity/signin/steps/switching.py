"""SwitchRole, RenewRole, ExitRole, ListSwitchedRoles: a person acts in a role (sign-in.md 4.9).

The decision is that of AssumeRole, for the person who signed in, and never for a role to which it
switched. So nobody goes from role to role. A role that somebody from outside has is the person
here, and the session of the next role is one of a chain.

INVARIANT: a new actor has a new cookie (CO-1). None has credentials.
"""

import msgspec

from keystead.arns import NotAnArn, iam_arn
from keystead.errors import AwsError, ValidationException
from keystead.identity import identifiers, times
from keystead.identity.authentication import callers
from keystead.identity.call import SigninCall
from keystead.identity.repository import Role, UsedRole
from keystead.identity.sessions import Session, SessionKind
from keystead.identity.signin.asked import (
    ActorRequest,
    ListSwitchedRolesRequest,
    Nothing,
    SignInEnded,
    SwitchAnswer,
    SwitchedRole,
    SwitchedRoles,
    SwitchRoleRequest,
)
from keystead.identity.signin.sessions import Actor, Visited, actors, records, sessions_of
from keystead.identity.signin.steps import progress
from keystead.identity.sts import assume_role
from keystead.policy.evaluation import AccessDenied

_NO_ACCOUNT = "000000000000"
MOST_USED = 50  # roles of a person that are remembered
_NOT_THERE = "You may not switch to this role, or there is no such role."


class TooManyRoles(AwsError):
    """A sign-in has as many roles as it can have."""

    code = "TooManyRoles"
    status = 400

    def __init__(self) -> None:
        super().__init__(f"You act in {actors.MOST} roles already. Go back from one of them first.")


def switch_role(call: SigninCall, request: SwitchRoleRequest) -> SwitchAnswer:
    """The person acts in a role, in a new actor; its cookie is another one from now on."""
    visited = _person(call)
    account, is_alias = _account(call, request.account)
    try:
        role = iam_arn(account, f"role/{request.role.strip('/')}")
        session, owner = _assumed(call, visited, role)
    except (AccessDenied, NotAnArn, ValidationException) as refused:
        if not is_alias:
            raise
        raise _hidden(refused) from None
    person = actors.person_of(visited.record, visited.facts)
    actor = Actor(
        id=actors.id_of(person, role),
        role=role,
        session=session,
        access_key_id=identifiers.access_key_id(identifiers.TEMPORARY_KEY, session.account),
        name=request.name,
        color=request.color,
    )
    now = times.stored(call.now)
    others = tuple(
        each
        for each in actors.of_facts(visited.facts)
        if each.id != actor.id and now < each.session.expires
    )
    if len(others) >= actors.MOST:
        raise TooManyRoles
    cookie = sessions_of(call).with_actors(call.transaction, visited, (*others, actor))
    use = UsedRole(person=person, role=role, name=request.name, color=request.color, used=now)
    call.repository.sign_ins.use_role(call.transaction, use, MOST_USED)
    _recorded(call, "SwitchRole", actor, owner, request.url)
    return SwitchAnswer(cookie=cookie, actor=actor.id)


def renew_role(call: SigninCall, request: ActorRequest) -> Nothing:
    """A role is assumed again, by a new decision: its session is longer."""
    visited = _person(call)
    known = actors.of_facts(visited.facts)
    actor = _named(known, request.actor)
    session, owner = _assumed(call, visited, actor.role)
    renewed = msgspec.structs.replace(actor, session=session)
    changed = tuple(renewed if each.id == actor.id else each for each in known)
    sessions_of(call).change_actors(call.transaction, visited, changed)
    _recorded(call, "RenewRole", renewed, owner, request.url)
    return Nothing()


def exit_role(call: SigninCall, request: ActorRequest) -> Nothing:
    """The person acts in this role no more."""
    visited = _person(call)
    known = actors.of_facts(visited.facts)
    actor = _named(known, request.actor)
    others = tuple(each for each in known if each.id != actor.id)
    sessions_of(call).change_actors(call.transaction, visited, others)
    role = call.repository.roles.named(
        call.transaction, actor.session.account, actor.role.rpartition("/")[2]
    )
    is_same = role is not None and role.role_id == actor.session.rows[0].unique_id
    _recorded(call, "ExitRole", actor, role if is_same else None, request.url)
    return Nothing()


def list_switched_roles(call: SigninCall, request: ListSwitchedRolesRequest) -> SwitchedRoles:
    """The roles to which the person switched before, the last one first."""
    visited = _person(call)
    person = actors.person_of(visited.record, visited.facts)
    used = call.repository.sign_ins.used_roles(call.transaction, person, MOST_USED)
    text = request.search.strip().lower()
    shown = [
        SwitchedRole(
            account=each.role.split(":")[4], role=each.role.partition(":role/")[2],
            name=each.name, color=each.color, used=each.used,
            actor=actors.id_of(person, each.role),
        )
        for each in used
        if text in each.role.lower() or text in each.name.lower()
    ]  # fmt: skip
    return SwitchedRoles(roles=tuple(shown))


def _person(call: SigninCall) -> Visited:
    """The session of the person itself; raises SignInEnded for one of a role it switched to."""
    visited = progress.own(call)
    if call.session is None or call.session.rows != visited.session.rows:
        raise SignInEnded
    if visited.session.kind is SessionKind.FEDERATION:  # as of AssumeRole (iam.md 2.7)
        raise AccessDenied(None, f"Cannot call {call.operation.name} as a federated user")
    return visited


def _assumed(call: SigninCall, visited: Visited, role: str) -> tuple[Session, Role]:
    """A session of this role, by the decision of AssumeRole for the person who signed in."""
    left = visited.record.expires - times.stored(call.now)
    return assume_role.switched(call, role, _session_name(visited), left)


def _session_name(visited: Visited) -> str:
    """The name of the person, as that of a session; it has two characters at least."""
    name = visited.session.name if visited.person is None else visited.person.name
    return name if len(name) > 1 else f"{name}-"


def _account(call: SigninCall, typed: str) -> tuple[str, bool]:
    """The account with this id or alias, and was it an alias?"""
    text = typed.strip()
    number = text.replace("-", "")  # as AWS shows it to people
    if number.isascii() and number.isdigit():
        return number, False
    account = call.repository.accounts.with_alias(call.transaction, text.lower())
    return account.account if account else _NO_ACCOUNT, True


def _hidden(refused: Exception) -> AwsError:
    """An alias was typed: the refusal does not say whose it is, or that it is somebody's."""
    if isinstance(refused, AccessDenied):
        return refused.reworded(_NOT_THERE)
    return ValidationException(_NOT_THERE)


def _named(known: tuple[Actor, ...], actor: str) -> Actor:
    found = next((each for each in known if each.id == actor), None)
    if found is None:
        raise SignInEnded
    return found


def _recorded(call: SigninCall, name: str, actor: Actor, role: Role | None, url: str) -> None:
    who = None
    if role is not None:
        session = actor.session
        who = callers.role(
            call.repository, call.transaction, role, session.name, session.tag_map
        ).principal
    records.switched(call, name, actor, who, url)
