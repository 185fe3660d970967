"""Who has reached what?  Persons, people from outside, sessions, their end, their records."""

from keystead.identity.signin.sessions import actors, ending, persons, records, sessions
from keystead.identity.signin.sessions.actors import Actor
from keystead.identity.signin.sessions.ending import sessions_of
from keystead.identity.signin.sessions.outsiders import (
    LONGEST_EVIDENCE,
    MOST_CHOICES,
    WAYS,
    Choice,
    Outsider,
    Way,
)
from keystead.identity.signin.sessions.over import SignInsOver
from keystead.identity.signin.sessions.persons import Person
from keystead.identity.signin.sessions.sessions import (
    FRESH_SECONDS,
    IDLE_SECONDS,
    SESSION_SECONDS,
    STEP_SECONDS,
    Reached,
    Visited,
    Waiting,
    broker_row,
    is_over,
    of_facts,
)
from keystead.identity.signin.sessions.visitors import COOKIE, Visitors, cookie_of

__all__ = (
    "COOKIE",
    "FRESH_SECONDS",
    "IDLE_SECONDS",
    "LONGEST_EVIDENCE",
    "MOST_CHOICES",
    "SESSION_SECONDS",
    "STEP_SECONDS",
    "WAYS",
    "Actor",
    "Choice",
    "Outsider",
    "Person",
    "Reached",
    "SignInsOver",
    "Visited",
    "Visitors",
    "Waiting",
    "Way",
    "actors",
    "broker_row",
    "cookie_of",
    "ending",
    "is_over",
    "of_facts",
    "persons",
    "records",
    "sessions",
    "sessions_of",
)
