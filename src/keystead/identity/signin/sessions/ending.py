"""SessionEnded: when and why did a session end?  Written once: when it is met, or taken away.

What ends a session has ended it when its call returns, without any list of sessions (`sessions`).
So the record is written when the browser comes again, when a new sign-in takes the row away, or
when its time is over (`over`). Its time is that moment; the reason is what ended it first.
"""

from datetime import datetime
from functools import partial

from keystead.audit.records import Event
from keystead.identity import times
from keystead.identity.authentication import callers
from keystead.identity.call import SigninCall
from keystead.identity.repository import Account, IdentityRepository, SignIn, SignInFacts, User
from keystead.identity.signin.asked import SERVICE, Ended, SignInEnded, StepRequest
from keystead.identity.signin.sessions import persons
from keystead.identity.signin.sessions.sessions import Sessions, is_over, of_facts, was_closed
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.store.protocol import Reader

IDLE, ABSOLUTE, TOO_MANY = "idle", "absolute", "too many sessions"
OPERATOR = "ended by the operator"
_ACCOUNT, _DELETED = "account closed", "user deleted"
_FACTORS, _NO_PASSWORD = "password or MFA devices changed", "password removed"  # reasons
_ROLE = "role or provider changed or deleted"


def sessions_of(call: SigninCall) -> Sessions:
    """The sessions, of which those that are taken away are recorded with this call."""
    return Sessions(call.repository, call.incarnation, partial(_taken_away, call))


def end_session(call: SigninCall, request: StepRequest) -> Ended:
    """A browser has the cookie of a session that is no longer good: say why, and forget it."""
    sessions, reader = sessions_of(call), call.transaction
    record = sessions.stored(reader, request.cookie)
    if record is None or record.stage != "session":
        call.event.name = "DescribeSession"
        raise SignInEnded
    facts = call.repository.sign_ins.facts(reader, record)
    why = why_over(call.repository, reader, record, facts, times.stored(call.now))
    call.event.principal = who(call.repository, reader, record, facts)
    call.event.access_key_id = record.access_key_id
    if not why:
        call.event.name = "DescribeSession"
        return Ended()
    call.repository.sign_ins.delete(call.transaction, record)
    call.event.response_elements = {"SessionEnded": "Success"}
    call.event.additional = _additional(why, record)
    return Ended(issuer=facts.issuer)


def _taken_away(call: SigninCall, record: SignIn, facts: SignInFacts) -> None:
    """The row of this session goes, with the changes of a call."""
    if record.stage != "session":
        return
    event = call.event
    made = ended(
        call.repository, call.transaction, record, facts,
        now=call.now, request_id=event.request_id, region=event.region,
    )  # fmt: skip
    event.also = [*event.also, made]


def ended(
    repository: IdentityRepository,
    reader: Reader,
    record: SignIn,
    facts: SignInFacts,
    *,
    now: datetime,
    request_id: str,
    region: str,
    why: str = "",
) -> Event:
    """The record of a session that goes, and of which nobody's call is the end."""
    why = why or why_over(repository, reader, record, facts, times.stored(now)) or TOO_MANY
    return Event(
        request_id=request_id,
        time=now,
        source=SERVICE.event_source,
        name="SessionEnded",
        region=region,
        event_type=SERVICE.event_type,
        principal=who(repository, reader, record, facts),
        access_key_id=record.access_key_id,
        response_elements={"SessionEnded": "Success"},
        additional=_additional(why, record),
    )


def _additional(why: str, record: SignIn) -> dict[str, object]:
    began = times.shown(record.began).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"reason": why, "began": began}


def why_over(  # one session, as of now
    repository: IdentityRepository, reader: Reader, record: SignIn, facts: SignInFacts, now: int
) -> str:
    """Why a session is over; "" if it is good.

    It is asked within a minute after its time is over. So what else is found was there before, as a
    rule; of a closed account the second is known.
    """
    late = _late(record, now)
    if was_closed(repository, reader, record):
        closed = repository.accounts.closed(reader, record.account)
        return _late(record, closed) or _ACCOUNT
    if facts.session:
        return late if of_facts(repository, reader, facts) is not None else _ROLE
    person = persons.with_subject(repository, reader, record.account, record.subject)
    if person is not None:
        return late if person.factors == record.factors else _FACTORS
    is_root = record.subject == record.account
    user = repository.users.get(reader, record.account, record.subject)
    return _DELETED if user is None and not is_root else _NO_PASSWORD


def _late(record: SignIn, now: int) -> str:
    """Why it is over by time; "" if it is not."""
    if now >= record.expires:
        return ABSOLUTE
    return IDLE if is_over(record, now) else ""


def who(
    repository: IdentityRepository, reader: Reader, record: SignIn, facts: SignInFacts
) -> Principal:
    """Whose session it was, as far as that still exists."""
    found = of_facts(repository, reader, facts) if facts.session else None
    if found is not None:
        return callers.of_session(repository, reader, *found).principal
    holder: Account | User | None = repository.users.get(reader, record.account, record.subject)
    if record.subject == record.account:
        holder = repository.accounts.get(reader, record.account)
    if holder is not None:
        return callers.principal_of(holder)
    kind = PrincipalType.ASSUMED_ROLE if facts.session else PrincipalType.USER
    return Principal(kind, "", record.account, "" if facts.session else record.subject)
