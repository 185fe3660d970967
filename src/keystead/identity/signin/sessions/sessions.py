"""What has a browser reached?  The steps of a sign-in, and the session at its end (sign-in.md 4.3).

    cookie      account "." 43 characters of 256 random bits
    session id  SHA-256(incarnation, cookie): a restored installation knows none of the cookies

Each step has a cookie of its own (CO-1), which can take this step and no other (CO-8). A cookie of
a person is good for as long as the person exists with the same password and the same devices, in an
account that was open all the time. That of a role is good for as long as every row of its session
exists. All of this is read at each use, so what ends a session has ended it when the call returns.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from keystead.custody.randomness import urandom
from keystead.identity import identifiers
from keystead.identity.authentication import Owner, owner_of
from keystead.identity.repository import (
    NO_FACTS,
    IdentityRepository,
    SignIn,
    SignInFacts,
    Stage,
)
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow
from keystead.identity.signin.asked import RoleEnded, SignInEnded, StepAnswer
from keystead.identity.signin.sessions import actors, outsiders, persons
from keystead.identity.signin.sessions.actors import Actor
from keystead.identity.signin.sessions.outsiders import Outsider
from keystead.identity.signin.sessions.persons import Person
from keystead.store.protocol import Reader, Transaction

STEP_SECONDS = 600  # for all steps together
ROLE_SECONDS = 300  # at the role chooser
SESSION_SECONDS = 43_200
IDLE_SECONDS = 1_800
FRESH_SECONDS = 900  # after which a session no longer changes its own credentials
MOST = 50  # of one person and stage; the oldest goes
MOST_OUTSIDERS = 5  # of one person at the role chooser, as each is long
MOST_CHOOSING = 1_000  # of all people of an account's providers there
MOST_PASSWORDS = 5  # tries of a new password

_USED_SECONDS = 60  # between two changes of the time of the last use
_COOKIE = re.compile(r"\A([0-9]{12})\.[A-Za-z0-9_-]{43}\Z")
_decode_session = msgspec.msgpack.Decoder(Session).decode


class Reached(msgspec.Struct, frozen=True):
    """A cookie that is good, with its person."""

    record: SignIn
    person: Person


class Waiting(msgspec.Struct, frozen=True):
    """A cookie of the role chooser that is good, with the person from outside."""

    record: SignIn
    facts: SignInFacts
    outsider: Outsider


class Visited(msgspec.Struct, frozen=True):
    """A session that is good: of a person itself, or of a role. Its last row is the sign-in."""

    record: SignIn
    facts: SignInFacts
    session: Session
    owner: Owner  # whose permissions it has
    person: Person | None  # None: somebody from outside


class Acting(msgspec.Struct, frozen=True):
    """A role to which the person of a session switched, and which is good."""

    actor: Actor
    session: Session  # whose last row is the sign-in
    owner: Owner


def _not_noted(_: SignIn, __: SignInFacts) -> None:
    """For a view, which changes nothing."""


def of_facts(
    repository: IdentityRepository, reader: Reader, facts: SignInFacts
) -> tuple[Session, Owner] | None:
    """The session of a role, and its owner; None if a row of it is gone."""
    session = _decode_session(facts.session)
    owner = owner_of(repository, reader, session)
    return None if owner is None else (session, owner)


def is_over(record: SignIn, now: int) -> bool:
    """Is it too late for this one?"""
    idle = record.stage == "session" and now >= record.used + IDLE_SECONDS
    return idle or now >= record.expires


def was_closed(repository: IdentityRepository, reader: Reader, record: SignIn) -> bool:
    """Was the account of this one closed since it began?  Not asked of those that have none."""
    if record.stage == "next":
        return False
    account = repository.accounts.get(reader, record.account)
    return account is None or not repository.accounts.is_open_since(reader, account, record.began)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sign-ins and sessions of one incarnation of the installation."""

    repository: IdentityRepository
    incarnation: str
    taken_away: Callable[[SignIn, SignInFacts], None] = _not_noted
    """Is told of each row that goes to make room."""

    def read(self, reader: Reader, cookie: str, stage: Stage, now: int) -> Reached:
        """The person of a cookie, if it is good for this stage; raises SignInEnded."""
        record = self.record(reader, cookie, stage, now)
        return Reached(record, self._person(reader, record))

    def waiting(self, reader: Reader, cookie: str, now: int) -> Waiting:
        """The person from outside who is to choose a role; raises SignInEnded."""
        record = self.record(reader, cookie, "role", now)
        facts = self.repository.sign_ins.facts(reader, record)
        return Waiting(record, facts, outsiders.of_row(facts.outsider))

    def visited(self, reader: Reader, cookie: str, now: int) -> Visited:
        """The session of a cookie; raises SignInEnded."""
        return self._visited(reader, self.record(reader, cookie, "session", now))

    def with_id(self, reader: Reader, account: str, session_id: str, now: int) -> Visited:
        """The session that is stored under this id; raises SignInEnded."""
        return self._visited(reader, self._with_id(reader, account, session_id, "session", now))

    def acting(self, reader: Reader, visited: Visited, actor: str, now: int) -> Acting:
        """A role to which the person of a good session switched; raises RoleEnded."""
        found = next((each for each in actors.of_facts(visited.facts) if each.id == actor), None)
        if found is None or now >= found.session.expires:
            raise RoleEnded
        owner = owner_of(self.repository, reader, found.session)
        if owner is None:
            raise RoleEnded
        rows = (*found.session.rows, visited.session.rows[-1])
        return Acting(found, msgspec.structs.replace(found.session, rows=rows), owner)

    def _visited(self, reader: Reader, record: SignIn) -> Visited:
        facts = self.repository.sign_ins.facts(reader, record)
        if not facts.session:
            person = self._person(reader, record)
            owner: Owner = person.user or person.account
            session = _of_person(record, person)
        else:
            person, found = None, of_facts(self.repository, reader, facts)
            if found is None:
                raise SignInEnded
            session, owner = found
        ends = SessionRow(RowKind.SIGN_IN, record.account, record.session_id)
        session = msgspec.structs.replace(session, rows=(*session.rows, ends))
        return Visited(record, facts, session, owner, person)

    def stored(self, reader: Reader, cookie: str) -> SignIn | None:
        """What is stored for a cookie, good or not."""
        match = _COOKIE.match(cookie)
        if match is None:
            return None
        return self.repository.sign_ins.get(reader, match[1], self._session_id(cookie))

    def record(self, reader: Reader, cookie: str, stage: Stage, now: int) -> SignIn:
        """What is stored for a cookie, if it is not too late; raises SignInEnded."""
        match = _COOKIE.match(cookie)
        if match is None:
            raise SignInEnded
        return self._with_id(reader, match[1], self._session_id(cookie), stage, now)

    def _with_id(  # the first two are the key
        self, reader: Reader, account: str, session_id: str, stage: Stage, now: int
    ) -> SignIn:
        record = self.repository.sign_ins.get(reader, account, session_id)
        if record is None or record.stage != stage or is_over(record, now):
            raise SignInEnded
        if was_closed(self.repository, reader, record):
            raise SignInEnded
        return record

    def _person(self, reader: Reader, record: SignIn) -> Person:
        person = persons.with_subject(self.repository, reader, record.account, record.subject)
        if person is None or person.factors != record.factors:
            raise SignInEnded
        return person

    def begin(  # as they follow from each other
        self,
        transaction: Transaction,
        person: Person,
        stage: Stage,
        now: int,
        before: SignIn | None = None,
    ) -> StepAnswer:
        """The next step of a person, or its session. The step before it is over."""
        is_session = stage == "session"
        began = now if is_session or before is None else before.began
        record = SignIn(
            account=person.account.account,
            session_id="",
            subject=person.subject,
            stage=stage,
            factors=person.factors,
            access_key_id="",
            device=before.device if before else "",
            mfa=before.mfa if before else None,
            tries=0,
            began=began,
            used=now,
            expires=began + (SESSION_SECONDS if is_session else STEP_SECONDS),
        )
        return self.keep(transaction, record, before)

    def choose(
        self, transaction: Transaction, outsider: Outsider, now: int, before: SignIn | None = None
    ) -> StepAnswer:
        """Somebody from outside is to choose a role."""
        expires = now + ROLE_SECONDS
        record = _of_outsider(outsider.account, outsider.person, "role", now, expires)
        facts = SignInFacts(outsider=outsiders.stored(outsider))
        return self.keep(
            transaction, record, before, facts, most=MOST_OUTSIDERS, of_account=MOST_CHOOSING
        )

    def begin_role(  # as they follow from each other
        self,
        transaction: Transaction,
        session: Session,
        outsider: Outsider,
        now: int,
        before: SignIn | None = None,
    ) -> StepAnswer:
        """The session of a role, for somebody from outside. The step before it is over."""
        expires = min(session.expires, now + SESSION_SECONDS)
        record = _of_outsider(session.account, outsider.person, "session", now, expires)
        kept = msgspec.structs.replace(outsider, evidence=b"", choices=())
        facts = SignInFacts(
            session=msgspec.msgpack.encode(session), outsider=outsiders.stored(kept)
        )
        return self.keep(transaction, record, before, facts)

    def keep(  # as the others have them
        self,
        transaction: Transaction,
        record: SignIn,
        before: SignIn | None,
        facts: SignInFacts = NO_FACTS,
        *,
        most: int = MOST,
        of_account: int | None = None,
    ) -> StepAnswer:
        """Keep a new step or session, under a new cookie."""
        cookie, account = _new_cookie(record.account), record.account
        if before is not None:
            self.repository.sign_ins.delete(transaction, before)
        record = msgspec.structs.replace(
            record,
            session_id=self._session_id(cookie),
            access_key_id=identifiers.access_key_id(identifiers.TEMPORARY_KEY, account),
        )
        sign_ins = self.repository.sign_ins
        for gone in sign_ins.insert(transaction, record, most, facts, of_account=of_account):
            self.taken_away(*gone)
        seconds = record.expires - record.used
        return StepAnswer(next=record.stage, cookie=cookie, seconds=seconds)

    def with_actors(
        self, transaction: Transaction, visited: Visited, known: tuple[Actor, ...]
    ) -> str:
        """The session has these actors, of which one is new; returns its new cookie."""
        record, cookie = visited.record, _new_cookie(visited.record.account)
        facts = msgspec.structs.replace(visited.facts, actors=actors.stored(known))
        self.repository.sign_ins.delete(transaction, record)
        renamed = msgspec.structs.replace(
            record, session_id=self._session_id(cookie), row_version=1
        )
        for gone in self.repository.sign_ins.insert(transaction, renamed, MOST, facts):
            self.taken_away(*gone)
        return cookie

    def change_actors(
        self, transaction: Transaction, visited: Visited, known: tuple[Actor, ...]
    ) -> None:
        """The session has these actors, none of which is new."""
        facts = msgspec.structs.replace(visited.facts, actors=actors.stored(known))
        self.repository.sign_ins.change_facts(transaction, facts)

    def touch(self, transaction: Transaction, record: SignIn, now: int) -> SignIn:
        """A session was used, by a person and not by a clock."""
        if now < record.used + _USED_SECONDS:
            return record
        used = msgspec.structs.replace(record, used=now)
        return self.repository.sign_ins.update(transaction, used)

    def _session_id(self, cookie: str) -> str:
        return sha256(f"{self.incarnation} {cookie}".encode()).hexdigest()


def broker_row(  # the facts of one row
    session: Session, user_id: str, stage: Stage, now: int, expires: int
) -> SignIn:
    """The row of a session that a broker began, or of the token for it."""
    facts = ("broker", session.account, user_id)
    person = sha256(msgspec.msgpack.encode(facts)).hexdigest()
    return _of_outsider(session.account, person, stage, now, expires)


def _new_cookie(account: str) -> str:
    text = base64.urlsafe_b64encode(urandom(32)).decode("ascii").rstrip("=")
    return f"{account}.{text}"


def _of_person(record: SignIn, person: Person) -> Session:
    """The facts of a person's own session, as policies and records see them."""
    kind = RowKind.ROOT if person.user is None else RowKind.USER
    return Session(
        kind=SessionKind.CONSOLE,
        account=record.account,
        rows=(SessionRow(kind, record.account, record.subject),),
        issued=record.began,
        expires=record.expires,
        mfa=record.mfa,
    )


def _of_outsider(account: str, person: str, stage: Stage, now: int, expires: int) -> SignIn:
    return SignIn(
        account=account, session_id="", subject=person, stage=stage, factors="", access_key_id="",
        device="", mfa=None, tries=0, began=now, used=now, expires=expires,
    )  # fmt: skip
