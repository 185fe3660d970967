"""DescribeRoles, ChooseRole: how does somebody from outside come to a session?  (sign-in.md 4.8)

    proof of the way's own -> outsider_signed_in -> session        one role is usable
                                                 -> role -> session    several, or confirmation
                                                 -> the end        none is

A role is usable if the way's decision lets the person in, now. So each list asks it about what it
shows, and the choice asks it again. What a list asks is in the record only if none is
usable. A session has two records: of STS's operation, whose decision it was, and ConsoleLogin.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from keystead.arns import Arn
from keystead.errors import AwsError
from keystead.identity import times
from keystead.identity.authentication import callers, owner_of
from keystead.identity.call import SigninCall
from keystead.identity.repository import Account, Role, SignIn, UsedRole
from keystead.identity.signin.asked import (
    ChooseRoleRequest,
    DescribeRolesRequest,
    RolesAnswer,
    RoleShown,
    SignInEnded,
    StepAnswer,
)
from keystead.identity.signin.sessions import (
    LONGEST_EVIDENCE,
    MOST_CHOICES,
    WAYS,
    Choice,
    Outsider,
    Waiting,
    records,
    sessions_of,
)
from keystead.policy.evaluation import AccessDenied, Decision

PAGE = 25  # roles of a list: each costs a decision
MOST_USED = 50  # roles of a person that are remembered
_MOST_NAMED = 50  # accounts whose aliases are searched
_NONE = "None of the roles could be used"
_REFUSED = "The role does not let you in."
_GONE = "The provider of identities has changed since you signed in."


class RoleRefused(AccessDenied):
    """Somebody may not have the role that was chosen: the record is of a login that failed."""

    answered: ClassVar[Mapping[str, str]] = {"ConsoleLogin": "Failure"}

    @classmethod
    def of(cls, refused: AccessDenied) -> "RoleRefused":
        """The same refusal."""
        return cls(refused.decision, refused.message, refused.asked, why=refused.why)


def outsider_signed_in(
    call: SigninCall,
    outsider: Outsider,
    url: str,
    before: SignIn | None = None,
    *,
    confirm: bool = False,
) -> StepAnswer:
    """Somebody proved to be this person, in the operation of this call: what follows?

    `confirm`: one role is to be chosen, too, as a session is open in this browser. `before` is the
    step that led here, and is over. The operation has `rules.ASSUMING` among its `asks`.
    """
    if len(outsider.evidence) > LONGEST_EVIDENCE:
        raise RuntimeError(f"the evidence of {outsider.way} is too long to be kept")
    outsider = msgspec.structs.replace(outsider, choices=outsider.choices[:MOST_CHOICES])
    call.asked = True  # about each of these, though none may be named
    noted: list[Decision] = []
    usable = [each for each in outsider.choices[:PAGE] if not _refusal(call, outsider, each, noted)]
    if not usable and len(outsider.choices) <= PAGE:
        if before is not None:
            call.repository.sign_ins.delete(call.transaction, before)
        records.of_outsider(call, outsider)
        records.failed(call, "ConsoleLogin", url, why=_NONE)
        call.event.decisions = noted
        names = tuple(_name(each.role) for each in outsider.choices)
        return StepAnswer(next="no_role", roles=names)
    if len(usable) == 1 and len(outsider.choices) <= PAGE and not confirm:
        return _enter(call, outsider, usable[0], url, before)
    records.of_outsider(call, outsider)
    records.succeeded(call, "CheckIdentity", url)
    now = times.stored(call.now)
    return sessions_of(call).choose(call.transaction, outsider, now, before)


def describe_roles(call: SigninCall, request: DescribeRolesRequest) -> RolesAnswer:
    """Which roles may somebody choose?  A page of them, with a decision about each."""
    waiting = _waiting(call, request.cookie)
    outsider, now = waiting.outsider, times.stored(call.now)
    records.of_outsider(call, outsider)
    call.asked = True  # about each that is found
    found = _found(call, outsider, request.search)
    shown = [_shown(call, outsider, each) for each in found[request.first :][:PAGE]]
    shown.sort(key=lambda each: bool(each.refused))
    return RolesAnswer(
        name=outsider.name,
        provider=outsider.provider,
        roles=tuple(shown),
        last=_last(call, outsider),
        found=len(found),
        first=request.first,
        seconds=waiting.record.expires - now,
    )


def choose_role(call: SigninCall, request: ChooseRoleRequest) -> StepAnswer:
    """The session of the role that somebody chose."""
    waiting = _waiting(call, request.cookie)
    choices = waiting.outsider.choices
    records.of_outsider(call, waiting.outsider)
    call.event.name = "ConsoleLogin"
    if not 0 <= request.choice < len(choices):
        raise RoleRefused(None, _REFUSED, why="there is no such choice")
    choice = choices[request.choice]
    try:
        return _enter(call, waiting.outsider, choice, request.url, waiting.record)
    except AccessDenied as refused:
        raise RoleRefused.of(refused) from None


def _enter(
    call: SigninCall, outsider: Outsider, choice: Choice, url: str, before: SignIn | None
) -> StepAnswer:
    """The session of a role, for somebody from outside."""
    call.event.name = "ConsoleLogin"
    way, repository, now = WAYS[outsider.way], call.repository, times.stored(call.now)
    session = way.decide(call, outsider, choice)
    role = owner_of(repository, call.transaction, session)
    if not isinstance(role, Role):
        raise AccessDenied(None, _GONE)
    answer = sessions_of(call).begin_role(call.transaction, session, outsider, now, before)
    use = UsedRole(person=outsider.person, role=choice.role, name="", color="", used=now)
    repository.sign_ins.use_role(call.transaction, use, MOST_USED)
    who = callers.role(repository, call.transaction, role, session.name, session.tag_map)
    records.entered(call, way.event, choice, session, who.principal, url)
    return answer


def _refusal(
    call: SigninCall, outsider: Outsider, choice: Choice, noted: list[Decision] | None = None
) -> str:
    """Why a choice is refused now; "" if it is not. `noted` takes the decisions."""
    trial = msgspec.structs.replace(
        call,
        event=msgspec.structs.replace(call.event, decisions=[], resources=[]),
        keys=dict(call.keys),
    )
    try:
        session = WAYS[outsider.way].decide(trial, outsider, choice)
    except AccessDenied:
        return _REFUSED
    except AwsError as error:
        return error.message or _REFUSED
    finally:
        if noted is not None:
            noted += trial.event.decisions
    gone = owner_of(call.repository, call.transaction, session) is None
    return _GONE if gone else ""


def _found(call: SigninCall, outsider: Outsider, search: str) -> list[Choice]:
    """The choices that a text finds: in their ARNs, or in the alias of the account."""
    text, found = search.strip().lower(), list(outsider.choices)
    if text:
        accounts = _with_alias(call, outsider, text)
        found = [
            each for each in found if text in each.role.lower() or _account_of(each) in accounts
        ]
    return sorted(found, key=lambda each: (_account_of(each), _name(each.role).lower()))


def _with_alias(call: SigninCall, outsider: Outsider, text: str) -> set[str]:
    """The accounts in whose alias the text stands, and a role of which the person may choose.

    A provider may name roles of any account, so without a role nobody learns an alias here. Only
    some accounts are read, and some roles tried, if there are very many.
    """
    numbers = sorted({_account_of(each) for each in outsider.choices})[:_MOST_NAMED]
    read = (_account(call, each) for each in numbers)
    named = {each.account for each in read if each is not None and text in (each.alias or "")}
    tried = [each for each in outsider.choices if _account_of(each) in named][:PAGE]
    return {_account_of(each) for each in tried if not _refusal(call, outsider, each)}


def _shown(call: SigninCall, outsider: Outsider, choice: Choice) -> RoleShown:
    arn, reader = Arn.parse(choice.role), call.transaction
    refused = _refusal(call, outsider, choice)
    account = None if refused else _account(call, arn.account)
    role = None
    if not refused:  # nobody learns more of a role that is not for him
        role = call.repository.roles.named(reader, arn.account, _name(choice.role))
    use = call.repository.sign_ins.used_role(reader, outsider.person, choice.role)
    return RoleShown(
        choice=outsider.choices.index(choice),
        name=arn.resource.partition("/")[2],
        account=arn.account,
        alias=(account.alias or "") if account else "",
        description=(role.description or "") if role else "",
        used=use.used if use else None,
        refused=refused,
    )


def _last(call: SigninCall, outsider: Outsider) -> RoleShown | None:
    """The choice of the last time, if it is one again."""
    by_role = {each.role: each for each in outsider.choices}
    used = call.repository.sign_ins.used_roles(call.transaction, outsider.person, 1)
    choice = by_role.get(used[0].role) if used else None
    if choice is None:
        return None
    shown = _shown(call, outsider, choice)
    return None if shown.refused else shown


def _account(call: SigninCall, number: str) -> Account | None:
    return call.repository.accounts.get(call.transaction, number)


def _account_of(choice: Choice) -> str:
    """The account of the role."""
    return Arn.parse(choice.role).account


def _name(arn: str) -> str:
    """The name of a role, without its path."""
    return arn.rpartition("/")[2]


def _waiting(call: SigninCall, cookie: str) -> Waiting:
    waiting = sessions_of(call).waiting(call.transaction, cookie, times.stored(call.now))
    if waiting.outsider.way not in WAYS:  # it was taken away by an operator
        raise SignInEnded
    return waiting
