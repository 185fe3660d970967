"""ConsoleLogin, ConsoleLoginWithMFA, PasswordUpdated, DescribeSignIn, DescribeSession,
ChangeRootPassword, ConsoleLogout: the state machine of sign-in.md 4.3 and 4.4.

    name and password -> mfa -> password -> session
                          ^ with a device    ^ if it is to be changed

The first three are open without a session. What a person proves is in the request: a password, or
the cookie of the step before. A wrong proof is an answer, not an error, so that its try stays
counted and its record stays written.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from keystead.custody.proofs import FAR, NEAR
from keystead.custody.proofs import passwords as custody
from keystead.custody.tokens import InvalidToken
from keystead.identity import times
from keystead.identity.authentication import callers
from keystead.identity.call import SigninCall
from keystead.identity.factors import codes, passwords
from keystead.identity.repository import MfaDevice
from keystead.identity.sessions import SessionKind
from keystead.identity.signin.asked import (
    Acts,
    ChangeRootPasswordRequest,
    CheckMfaRequest,
    ConsoleLoginRequest,
    Ended,
    Nothing,
    PendingAnswer,
    SessionAnswer,
    SignInEnded,
    StepAnswer,
    StepRequest,
    TooManyTries,
    UpdatePasswordRequest,
    WrongPassword,
)
from keystead.identity.signin.sessions import (
    Actor,
    Person,
    Reached,
    Visited,
    actors,
    ending,
    persons,
    records,
    sessions,
)
from keystead.identity.signin.steps import choices, progress, tries
from keystead.identity.signin.steps.tries import Subject
from keystead.work import PASSWORDS, MadeWith, Work

_SECONDS = 0.15  # for one hash
_FREE, _FREE_OF_NETWORK = 2, 20  # tries without a delay
_REGAIN = 60  # seconds for which a network gets back one
_LOGIN, _UPDATED = "ConsoleLogin", "PasswordUpdated"


def console_login(call: SigninCall, request: ConsoleLoginRequest) -> StepAnswer | Work[bool]:
    """Is this the password of that name?  One hash is verified in any case."""
    person = _named(call, request)
    typed = call.typed_names.of("name", *_typed(request))
    browser = request.known if person and _is_known(call, request.known, person) else ""
    subjects = _counted(call, browser, typed)
    made_with = MadeWith(
        typed, person.password_id if person else "", input=_input(call, request.password)
    )
    stored = person.hashes[0] if person else None
    work = Work(
        PASSWORDS, _SECONDS, made_with, custody.verified,
        (call.passwords, request.password, stored),
        turn=person.turn if person and browser else "",
    )  # fmt: skip
    done = call.done(work)
    if person is None:
        records.of_nobody(call, _account(call, request))
    else:
        records.of(call, person)
    if done is None:
        wait = tries.begin(
            call.transaction, call.repository.sign_ins, subjects, times.stored(call.now)
        )
        if wait:
            call.event.severity = ""  # strangers may send many, and no password was looked at
            raise TooManyTries(wait)
        return work
    if person is None or not done.value:
        records.failed(call, _LOGIN, request.url)
        return StepAnswer(next="failed")
    tries.right(call.transaction, call.repository.sign_ins, subjects)
    if person.has_factor:
        return progress.ask_for_factor(call, person, browser)
    if person.user is None and not request.local:  # CO-9
        why = "The root user has no MFA device, and did not sign in on the host itself"
        records.failed(call, _LOGIN, request.url, why=why)
        return StepAnswer(next="no_mfa")
    return progress.after_factors(call, person, None, request.url)


def check_mfa(call: SigninCall, request: CheckMfaRequest) -> StepAnswer | Work[bool]:
    """Does this code of a device count?  Once, whatever follows (`factors.codes`)."""
    reached = progress.reached(call, request.cookie, "mfa")
    person = reached.person
    device = _device(person.devices, request.serial_number)
    right: bool | Work[bool] = False
    typed = (request.code, *((request.second_code,) if request.second_code else ()))
    if device is not None and all(_is_code(code) for code in typed):
        reach = FAR if request.second_code else NEAR  # two find the clock of the device again
        right = codes.counted(call, device, typed, reach, person.turn)
        if isinstance(right, Work):
            return right
    records.of(call, person)
    if device is None or not right:
        records.failed(call, _LOGIN, request.url, mfa=True)
        return StepAnswer(next="failed")
    shown = msgspec.structs.replace(reached.record, device=device.arn, mfa=times.stored(call.now))
    return progress.after_factors(call, person, Reached(shown, person), request.url)


def update_password(
    call: SigninCall, request: UpdatePasswordRequest
) -> StepAnswer | Work[str | None]:
    """The password that is to be changed, before there is a session."""
    reached = progress.reached(call, request.cookie, "password")
    person, record = reached.person, reached.record
    ended = progress.changing(call, reached, request.url)
    records.of(call, person)
    if ended is not None:
        return ended
    policy = persons.policy_of(call.repository, call.transaction, person)
    passwords.require_taken(policy, person.account, request.new)
    made_with = MadeWith(
        person.subject, person.password_id, input=_input(call, request.old, request.new)
    )
    arguments = (call.passwords, request.old, person.hashes[0], request.new)
    work = Work(PASSWORDS, 2 * _SECONDS, made_with, custody.replaced, arguments, turn=person.turn)
    done = call.done(work)
    if done is None:
        if record.tries >= sessions.MOST_PASSWORDS:
            raise SignInEnded
        counted = msgspec.structs.replace(record, tries=record.tries + 1)
        call.repository.sign_ins.update(call.transaction, counted)
        return work
    if done.value is None:
        records.failed(call, _UPDATED, request.url)
        return StepAnswer(next="failed")
    new = done.value
    if person.profile is None:
        passwords.require_other(person.hashes, new)
    else:
        passwords.require_new(policy, person.hashes, new)
        passwords.require_other(person.hashes, new)
    changed = _with_password(call, person, new)
    records.succeeded(call, _UPDATED, request.url)
    records.and_login(call, request.url, record.device)
    return progress.signed_in(call, changed, reached)


def describe_step(call: SigninCall, request: StepRequest) -> PendingAnswer:
    """What does a sign-in wait for?"""
    now = times.stored(call.now)
    waiting: tuple[Literal["mfa", "password"], ...] = ("mfa", "password")
    for stage in waiting:
        try:
            reached = progress.reached(call, request.cookie, stage)
        except SignInEnded:
            continue
        person = reached.person
        policy = persons.policy_of(call.repository, call.transaction, person)
        records.of(call, person)
        return PendingAnswer(
            next=stage,
            name=person.name,
            account=person.account.alias or person.account.account,
            is_root=person.user is None,
            devices=choices.devices_of(call, person),
            rules=passwords.demands(policy) if stage == "password" else (),
            seconds=reached.record.expires - now,
        )
    raise SignInEnded


def describe_session(call: SigninCall, _: Nothing) -> SessionAnswer:
    """Who is signed in, how, and until when?  It counts as a use of the session."""
    visited, now = progress.own(call), times.stored(call.now)
    known, key_id = actors.of_facts(visited.facts), call.event.access_key_id
    actor = next((each for each in known if each.access_key_id == key_id), None)
    person = visited.person if actor is None else None
    session = visited.session if actor is None else actor.session
    by, issuer = session.federation, call.principal.issuer_arn
    record = ending.sessions_of(call).touch(call.transaction, visited.record, now)
    account = call.repository.accounts.get(call.transaction, call.account)
    return SessionAnswer(
        account=call.account,
        alias=(account.alias or "") if account else "",
        arn=call.principal.arn,
        name=session.name if person is None else person.name,
        is_root=person is not None and person.user is None,
        role=issuer.rpartition("/")[2] if ":role/" in issuer else "",
        provider=by.provider if by else "",
        is_person=person is not None,
        actor=actor.id if actor else "",
        actors=tuple(_acts(each) for each in known if now < each.session.expires),
        person=_arn_of(call, visited),
        may_switch=not _is_root(visited) and visited.session.kind is not SessionKind.FEDERATION,
        began=record.began if actor is None else session.issued,
        expires=record.expires if actor is None else session.expires,
        idle=min(record.expires, record.used + sessions.IDLE_SECONDS),
        device=record.device,
        mfa=record.mfa,
        is_fresh=now < max(record.began, record.mfa or 0) + sessions.FRESH_SECONDS,
    )


def _acts(actor: Actor) -> Acts:
    account, _, role = actor.role.partition(":role/")
    return Acts(
        id=actor.id, account=account.split(":")[4], role=role, name=actor.name, color=actor.color,
        expires=actor.session.expires,
    )  # fmt: skip


def _is_root(visited: Visited) -> bool:
    return visited.person is not None and visited.person.user is None


def _arn_of(call: SigninCall, visited: Visited) -> str:
    """The ARN of the person whose session this is, whichever role it acts in."""
    if visited.person is not None:
        return visited.person.arn
    return callers.of_session(
        call.repository, call.transaction, visited.session, visited.owner
    ).principal.arn


def change_root_password(
    call: SigninCall, request: ChangeRootPasswordRequest
) -> Nothing | Work[str | None]:
    """Root's own password, in a session of root; it ends every session of root."""
    person = progress.own(call).person
    if person is None:
        raise RuntimeError("the row of ChangeRootPassword takes root only")
    passwords.require_taken(None, person.account, request.new)
    made_with = MadeWith(
        person.subject, person.password_id, input=_input(call, request.old, request.new)
    )
    arguments = (call.passwords, request.old, person.hashes[0], request.new)
    work = Work(PASSWORDS, 2 * _SECONDS, made_with, custody.replaced, arguments)
    done = call.done(work)
    if done is None:
        subject = Subject(call.typed_names.of("root", person.subject), _FREE)
        wait = tries.begin(
            call.transaction, call.repository.sign_ins, (subject,), times.stored(call.now)
        )
        if wait:
            raise TooManyTries(wait)
        return work
    if done.value is None:
        raise WrongPassword
    passwords.require_other(person.hashes, done.value)
    _with_password(call, person, done.value)
    call.event.name = _UPDATED
    call.event.response_elements = {_UPDATED: "Success"}
    return Nothing()


def console_logout(call: SigninCall, _: Nothing) -> Ended:
    """The session ends."""
    visited = progress.own(call)
    call.repository.sign_ins.delete(call.transaction, visited.record)
    call.event.response_elements = {"ConsoleLogout": "Success"}
    return Ended(issuer=visited.facts.issuer)


def _named(call: SigninCall, request: ConsoleLoginRequest) -> Person | None:
    if request.email:
        return persons.root_with_email(call.repository, call.transaction, request.email)
    return persons.user_with_name(
        call.repository, call.transaction, request.account, request.user_name
    )


def _typed(request: ConsoleLoginRequest) -> tuple[str, ...]:
    """What was typed for a name; the case of letters makes no other name."""
    typed = (request.email, request.account, request.user_name)
    return tuple(text.lower() for text in typed)


def _account(call: SigninCall, request: ConsoleLoginRequest) -> str:
    """The account that was named, if there is one: its administrators see the failure."""
    accounts = call.repository.accounts
    known = accounts.get(call.transaction, request.account)
    known = known or accounts.with_alias(call.transaction, request.account.lower())
    return known.account if known else ""


def _input(call: SigninCall, *passwords: str) -> bytes:
    """A digest of passwords, with a key of this installation."""
    return call.typed_names.of("passwords", *passwords).encode()


def _counted(call: SigninCall, browser: str, typed: str) -> tuple[Subject, ...]:
    """What a try counts for: a known browser, or else the name and the network."""
    if browser:
        return (Subject(call.typed_names.of("browser", browser), _FREE),)
    network = call.typed_names.of("network", call.network)
    return Subject(typed, _FREE), Subject(network, _FREE_OF_NETWORK, _REGAIN)


def _is_known(call: SigninCall, token: str, person: Person) -> bool:
    """Did this person sign in with this browser, with the password that it has now?"""
    if not token:
        return False
    try:
        call.tokens.unseal(progress.BROWSER, token, progress.known_as(person))
    except InvalidToken:
        return False
    return True


def _with_password(call: SigninCall, person: Person, new: str) -> Person:
    """The person with a new password, whose PHC string is `new`."""
    repository, transaction = call.repository, call.transaction
    if person.profile is None:
        accounts = repository.accounts
        sealed = accounts.seal_password(person.account.account, new)
        account = msgspec.structs.replace(person.account, password=sealed)
        account = accounts.update(transaction, account)
        repository.sign_ins.choose(transaction, account)
    else:
        now = times.stored(call.now)
        profile = passwords.with_password(
            repository.login_profiles, person.profile, new, now, reset_required=False
        )
        repository.login_profiles.update(transaction, profile)
    changed = persons.with_subject(repository, transaction, person.account.account, person.subject)
    if changed is None:
        raise RuntimeError("a person vanished while its password was changed")
    return changed


def _device(devices: Sequence[MfaDevice], serial_number: str) -> MfaDevice | None:
    if not serial_number and len(devices) == 1:
        return devices[0]
    return next((each for each in devices if each.arn == serial_number), None)


def _is_code(text: str) -> bool:
    """(CO-7)"""
    return len(text) == 6 and text.isascii() and text.isdigit()
