"""What has a browser proved before, and what follows a step that was right?

Every step of a sign-in begins and ends here, whichever factor it is about.
"""

import msgspec

from keystead.custody.randomness import urandom
from keystead.identity import times
from keystead.identity.authentication import age_keys
from keystead.identity.call import SigninCall
from keystead.identity.repository import LoginUse, Stage
from keystead.identity.signin.asked import SignInEnded, StepAnswer, TooManyTries
from keystead.identity.signin.sessions import (
    Person,
    Reached,
    Visited,
    persons,
    records,
    sessions_of,
)
from keystead.identity.signin.steps import tries
from keystead.identity.signin.steps.tries import Subject

BROWSER = "known browser"
_FREE, _REGAIN = 20, 60
"""Second factors that are asked for and not shown, without a delay; seconds to get back one.

So fewer than `sessions.MOST` wait at a time, and none drives out another.
"""


def known_as(person: Person) -> tuple[str, ...]:
    """What a browser is known for. Whoever had an earlier password may know many browsers."""
    return person.account.account, person.subject, person.password_id


def reached(call: SigninCall, cookie: str, stage: Stage) -> Reached:
    """The step that this cookie can take; raises SignInEnded."""
    return sessions_of(call).read(call.transaction, cookie, stage, times.stored(call.now))


def own(call: SigninCall) -> Visited:
    """The session of the caller."""
    if call.session is None:
        raise SignInEnded
    row = call.session.rows[-1]
    now = times.stored(call.now)
    return sessions_of(call).with_id(call.transaction, row.account, row.unique_id, now)


def begin(
    call: SigninCall, person: Person, stage: Stage, before: Reached | None = None
) -> StepAnswer:
    now = times.stored(call.now)
    return sessions_of(call).begin(
        call.transaction, person, stage, now, before.record if before else None
    )


def ask_for_factor(call: SigninCall, person: Person, browser: str) -> StepAnswer:
    """The password was right: a second factor is to be shown. `browser` is known, or "".

    Somebody who knows the password alone begins such steps without an end. So they are counted for
    the password, and those of a known browser for itself. Raises TooManyTries.
    """
    now, name = times.stored(call.now), browser or person.password_id
    subject = Subject(call.typed_names.of("factor", name), _FREE, _REGAIN)
    wait = tries.begin(call.transaction, call.repository.sign_ins, (subject,), now)
    if wait:
        raise TooManyTries(wait)
    records.asks_for_code(call, person)
    return begin(call, person, "mfa")


def after_factors(call: SigninCall, person: Person, before: Reached | None, url: str) -> StepAnswer:
    """Every factor was shown: is the password to be changed before anything else?"""
    if before is not None:
        asked = call.typed_names.of("factor", person.password_id)
        call.repository.sign_ins.forget_attempts(call.transaction, asked)
    change, too_late = persons.must_change(
        call.repository, call.transaction, person, times.stored(call.now)
    )
    if not change:
        records.succeeded(call, "ConsoleLogin", url, before.record.device if before else "")
        return signed_in(call, person, before)
    ended = _cannot_change(call, person, before, url, too_late=too_late)
    if ended is not None:
        return ended
    records.succeeded(call, "CheckPassword", url)
    return begin(call, person, "password", before)


def changing(call: SigninCall, before: Reached, url: str) -> StepAnswer | None:
    """May the person of this step still change its password?  The end, if that was revoked.

    The step is over, too, if the password is not to be changed any more: raises SignInEnded.
    """
    now = times.stored(call.now)
    change, too_late = persons.must_change(call.repository, call.transaction, before.person, now)
    if not change:
        raise SignInEnded
    return _cannot_change(call, before.person, before, url, too_late=too_late)


def _cannot_change(
    call: SigninCall, person: Person, before: Reached | None, url: str, *, too_late: bool
) -> StepAnswer | None:
    """The end of a sign-in whose person must change its password, and may not."""
    mfa = before.record.mfa if before is not None else None
    if not too_late and _may_change(call, person, mfa):
        return None
    if before is not None:
        call.repository.sign_ins.delete(call.transaction, before.record)
    why = "The password has expired, and only an administrator can change it"
    records.failed(call, "ConsoleLogin", url, why=why, mfa=mfa is not None)
    return StepAnswer(next="administrator")


def _may_change(call: SigninCall, person: Person, mfa: int | None) -> bool:
    """May the person change its own password?  Root may always.

    A policy sees whether a second factor was shown in this sign-in, as it would in a session.
    """
    if person.user is None:
        return True
    call.is_of(person.caller(call.repository, call.transaction))
    keys = {} if mfa is None else age_keys(mfa, call.now)
    keys["aws:multifactorauthpresent"] = "false" if mfa is None else "true"
    return call.decide("iam:ChangePassword", person.resource, keys).allowed


def signed_in(call: SigninCall, person: Person, before: Reached | None) -> StepAnswer:
    """The session of a person, whose browser is known from now on."""
    now = times.stored(call.now)
    use = LoginUse(account=person.account.account, user_id=person.subject, used=now)
    call.repository.login_profiles.record_use(call.transaction, use)
    answer = begin(call, person, "session", before)
    known = call.tokens.seal(BROWSER, urandom(16), known_as(person))
    return msgspec.structs.replace(answer, known=known)
