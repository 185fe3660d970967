"""As whom may a tab act?  As the person, or in a role to which it switched (sign-in.md 7.3).

    /c/ACTOR/…   a page of this actor; every other path is the person's own

An actor is known by the person and the role, so it has the same path after another sign-in. Its id
is no secret: it means something only with the cookie of its person.
"""

import re
from hashlib import sha256

import msgspec

from keystead.identity.repository import SignIn, SignInFacts
from keystead.identity.sessions import Session

MOST = 4  # of one sign-in, beside the person
_PATH = re.compile(r"/c/([0-9a-f]{12})(?:/|\Z)")


class Actor(msgspec.Struct, frozen=True, array_like=True):
    """A role to which somebody switched."""

    id: str
    role: str  # ARN
    session: Session
    access_key_id: str
    name: str = ""  # as the person calls it
    color: str = ""  # six hexadecimal digits


_decode = msgspec.msgpack.Decoder(tuple[Actor, ...]).decode


def of_facts(facts: SignInFacts) -> tuple[Actor, ...]:
    """The actors of a sign-in, over or not."""
    return _decode(facts.actors) if facts.actors else ()


def stored(actors: tuple[Actor, ...]) -> bytes:
    """The row's form of actors."""
    return msgspec.msgpack.encode(actors)


def named_by(path: str) -> str:
    """The actor that a path names; "" for the person."""
    match = _PATH.match(path)
    return match[1] if match else ""


def person_of(record: SignIn, facts: SignInFacts) -> str:
    """A hash that tells those apart who switch roles: by the person, not by the sign-in."""
    account = "" if facts.session else record.account  # a hash of somebody from outside has none
    return sha256(msgspec.msgpack.encode(("switch", account, record.subject))).hexdigest()


def id_of(person: str, role: str) -> str:
    """The id of the actor that a person is in a role."""
    return sha256(msgspec.msgpack.encode((person, role))).hexdigest()[:12]
