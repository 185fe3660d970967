"""What has a browser reached?  The steps of a sign-in, and the session at its end (sign-in.md 4.3).

    cookie      account "." 43 characters of 256 random bits
    session id  SHA-256(incarnation, cookie): a restored installation knows none of the cookies

Each step has a cookie of its own (CO-1), which can take this step and no other (CO-8). A cookie is
good for as long as its person exists with the same password and the same devices, in an open
account. All of this is read at each use, so what ends a session has ended it when the call returns.
"""

import base64
import re
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from keystead.custody.randomness import urandom
from keystead.identity import identifiers
from keystead.identity.repository import IdentityRepository, SignIn, Stage
from keystead.identity.signin import persons
from keystead.identity.signin.persons import Person
from keystead.identity.signin.shapes import SignInEnded, StepAnswer
from keystead.store.protocol import Reader, Transaction

STEP_SECONDS = 600  # for all steps together
SESSION_SECONDS = 43_200
IDLE_SECONDS = 1_800
FRESH_SECONDS = 900  # after which a session no longer changes its own credentials
MOST = 50  # of one person and stage; the oldest goes
MOST_PASSWORDS = 5  # tries of a new password

_USED_SECONDS = 60  # between two changes of the time of the last use
_COOKIE = re.compile(r"\A([0-9]{12})\.[A-Za-z0-9_-]{43}\Z")


class Reached(msgspec.Struct, frozen=True):
    """A cookie that is good, with its person."""

    record: SignIn
    person: Person


def is_over(record: SignIn, now: int) -> bool:
    """Is it too late for this one?"""
    idle = record.stage == "session" and now >= record.used + IDLE_SECONDS
    return idle or now >= record.expires


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sign-ins and sessions of one incarnation of the installation."""

    repository: IdentityRepository
    incarnation: str

    def read(self, reader: Reader, cookie: str, stage: Stage, now: int) -> Reached:
        """What a cookie stands for, if it is good for this stage; raises SignInEnded."""
        match = _COOKIE.match(cookie)
        if match is None:
            raise SignInEnded
        return self.with_id(reader, match[1], self._session_id(cookie), stage, now)

    def with_id(  # the first two are the key
        self, reader: Reader, account: str, session_id: str, stage: Stage, now: int
    ) -> Reached:
        """What is stored under this id, if it is good for this stage; raises SignInEnded."""
        record = self.repository.sign_ins.get(reader, account, session_id)
        if record is None or record.stage != stage or is_over(record, now):
            raise SignInEnded
        person = persons.with_subject(self.repository, reader, record.account, record.subject)
        if person is None or person.factors != record.factors:
            raise SignInEnded
        return Reached(record, person)

    def begin(  # as they follow from each other
        self,
        transaction: Transaction,
        person: Person,
        stage: Stage,
        now: int,
        before: SignIn | None = None,
    ) -> StepAnswer:
        """The next step of a person, or its session. The step before it is over."""
        cookie, account = _new_cookie(person.account.account), person.account.account
        is_session = stage == "session"
        if before is not None:
            self.repository.sign_ins.delete(transaction, before)
        began = now if is_session or before is None else before.began
        record = SignIn(
            account=account,
            session_id=self._session_id(cookie),
            subject=person.subject,
            stage=stage,
            factors=person.factors,
            access_key_id=identifiers.access_key_id(identifiers.TEMPORARY_KEY, account),
            device=before.device if before else "",
            mfa=before.mfa if before else None,
            tries=0,
            began=began,
            used=now,
            expires=began + (SESSION_SECONDS if is_session else STEP_SECONDS),
        )
        self.repository.sign_ins.insert(transaction, record, MOST)
        return StepAnswer(next=stage, cookie=cookie, seconds=record.expires - now)

    def touch(self, transaction: Transaction, record: SignIn, now: int) -> SignIn:
        """A session was used, by a person and not by a clock."""
        if now < record.used + _USED_SECONDS:
            return record
        used = msgspec.structs.replace(record, used=now)
        return self.repository.sign_ins.update(transaction, used)

    def _session_id(self, cookie: str) -> str:
        return sha256(f"{self.incarnation} {cookie}".encode()).hexdigest()


def _new_cookie(account: str) -> str:
    text = base64.urlsafe_b64encode(urandom(32)).decode("ascii").rstrip("=")
    return f"{account}.{text}"
