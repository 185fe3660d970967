"""Which sessions have people of an account, and how does the operator end them?

A session on pages is named by its access key id, which each record of it has; one for the command
line by its own id. Sessions that are over are not listed, whether their rows are there or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from keystead.audit.records import Event
from keystead.identity import times
from keystead.identity.authentication import callers, owner_of
from keystead.identity.repository import IdentityRepository, Login, SignIn
from keystead.identity.sessions import RowKind, SessionRow
from keystead.identity.signin import logins
from keystead.identity.signin.sessions import ending
from keystead.store.protocol import Reader, Transaction

MOST = 100
"""Sessions of each kind that are looked at for a list."""


@dataclass(frozen=True, slots=True)
class Held:
    """A session that is good."""

    id: str
    where: str  # "pages", or "command line"
    arn: str
    began: int
    used: int
    expires: int
    row: SignIn | Login


def held_in(
    repository: IdentityRepository, reader: Reader, account: str, subject: str, now: datetime
) -> tuple[list[Held], bool]:
    """The sessions of an account, or of one person there; and may there be more?"""
    second = times.stored(now)
    pages = repository.sign_ins.sessions(reader, account, subject, MOST + 1)
    programs = repository.logins.used_last(reader, account, subject, second, MOST + 1)
    found = [_on_pages(repository, reader, row, second) for row in pages[:MOST]]
    found += [_of_program(repository, reader, row) for row in programs[:MOST]]
    good = [each for each in found if each is not None]
    good.sort(key=lambda each: -each.used)
    return good, max(len(pages), len(programs)) > MOST


def with_id(
    repository: IdentityRepository, reader: Reader, account: str, name: str, now: datetime
) -> Held | None:
    """The session with this id, if it is good."""
    login = repository.logins.get(reader, account, name)
    if login is not None:
        return _of_program(repository, reader, login) if login.expires > times.stored(now) else None
    row = repository.sign_ins.with_access_key(reader, account, name)
    return None if row is None else _on_pages(repository, reader, row, times.stored(now))


def end(
    repository: IdentityRepository,
    transaction: Transaction,
    sessions: Sequence[Held],
    *,
    now: datetime,
    request_id: str,
    region: str,
) -> list[Event]:
    """End these sessions; returns the records of those on pages."""
    made = []
    for each in sessions:
        if isinstance(each.row, Login):
            repository.logins.delete(transaction, each.row.account, each.row.login_id)
            continue
        facts = repository.sign_ins.facts(transaction, each.row)
        made.append(
            ending.ended(
                repository, transaction, each.row, facts,
                now=now, request_id=request_id, region=region, why=ending.OPERATOR,
            )
        )  # fmt: skip
        repository.sign_ins.delete(transaction, each.row)
    return made


def _on_pages(repository: IdentityRepository, reader: Reader, row: SignIn, now: int) -> Held | None:
    facts = repository.sign_ins.facts(reader, row)
    if ending.why_over(repository, reader, row, facts, now):
        return None
    arn = ending.who(repository, reader, row, facts).arn
    return Held(row.access_key_id, "pages", arn, row.began, row.used, row.expires, row)


def _of_program(repository: IdentityRepository, reader: Reader, row: Login) -> Held | None:
    session = logins.facts_of(row)
    stands_on = (*session.rows, SessionRow(RowKind.LOGIN, row.account, row.login_id))
    session = msgspec.structs.replace(session, rows=stands_on)
    owner = owner_of(repository, reader, session)
    if owner is None:
        return None
    arn = callers.of_session(repository, reader, session, owner).principal.arn
    return Held(row.login_id, "command line", arn, row.began, row.used, row.expires, row)
