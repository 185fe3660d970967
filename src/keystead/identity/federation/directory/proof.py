"""Who is the person of this name and password, says the directory?  (threat-model LD)

One question is asked by a process of its own (`asking`), which has no key and is ended in time. So
nothing that a directory sends, or does not send, stops this server. (decision 0061)
"""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Literal

import msgspec

from keystead.identity.federation.directory.settings import DirectorySettings, Place
from keystead.identity.federation.outside import Outside
from keystead.identity.federation.vouched import NAMED, is_source_identity

SECONDS, _CONNECT_SECONDS = 5.0, 3.0
"""For one question, and for one connection (LD-2)."""

MOST_PROCESSES = 24  # at a time: each takes 35 MB
_processes = BoundedSemaphore(MOST_PROCESSES)
_PROGRAM = Path(__file__).with_name("asking.py")
_MOST_NAME, _MOST_PASSWORD = 128, 128  # characters

DIRECTORY_STEPS: Mapping[int, str] = {
    1: "name and password can be sent",
    2: "the directory's address may be asked",
    3: "a server of the directory answers",
    4: "TLS, and the bind name's password",
    5: "one entry has the name",
    6: "the entry is enabled, and has an id and a name",
    7: "the password is the entry's",
    8: "the groups of the person",
    9: "the name and the id can be those of a session",
}
"""What each step proves, for an administrator."""


class DirectoryStep(msgspec.Struct, frozen=True):
    """One step that was taken."""

    step: int
    ended: Literal["passed", "refused", "failed"]
    why: str = ""


class DirectoryProof(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question. Only with all of its steps passed is it about the person.

    The directory's DN is where the entry stands now; its id is the person.
    """

    steps: tuple[DirectoryStep, ...] = ()
    dn: str = ""
    id: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()  # ids, of those that were asked about

    @property
    def proves(self) -> bool:
        """Did every step pass, that about the password too?"""
        passed = [each.step for each in self.steps if each.ended == "passed"]
        return passed == list(DIRECTORY_STEPS)

    @property
    def is_known(self) -> bool:
        """Did all of the steps pass that were taken?"""
        return all(each.ended == "passed" for each in self.steps)

    @property
    def is_away(self) -> bool:
        """Could the directory not be asked?  Then nothing is known of the person."""
        return self.steps[-1].ended == "failed"

    @property
    def why(self) -> str:
        """The last step, for an administrator."""
        last = self.steps[-1]
        return f"step {last.step}, {DIRECTORY_STEPS[last.step]}: {last.why or last.ended}"


class DirectoryQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a directory is asked, with the secrets for it."""

    settings: DirectorySettings
    bind_password: str
    name: str  # as somebody typed it
    password: str | None = None  # None: the name alone is looked up, by an administrator
    groups: tuple[str, ...] = ()  # ids
    is_group: bool = False  # is the name that of a group?

    def __repr__(self) -> str:
        return "DirectoryQuestion(…)"


def ask_directory(outside: Outside, question: DirectoryQuestion) -> DirectoryProof:
    """Is this the password of that name, and who is it?  Work of the slow lane.

    (1) A name and a password that can be sent: an empty password would bind nobody, with success
    (RFC 4513, 5.1.2). (2) An address that is neither link-local nor our own. (3) A server that
    accepts connections; the first that does is asked. Then, in a process of its own: (4) TLS with a
    certificate of the host, then the bind name; (5) exactly one entry, whose filter has the name
    escaped (RFC 4515), and no referral is followed; (6) an enabled entry with one immutable id and
    one name; (7) a bind as this entry, by the DN that the directory returned; (8) those of the
    assigned groups of which it is a member. (9) The name and the id can be those of a session.
    """
    until = time.monotonic() + SECONDS
    if why := _unusable(question):
        return DirectoryProof(steps=(DirectoryStep(1, "refused", why),))  # (1)
    steps = [DirectoryStep(1, "passed")]
    places, why = _allowed(outside, question.settings.places, until)
    if not places:
        return DirectoryProof(steps=(*steps, DirectoryStep(2, "failed", why)))  # (2)
    steps.append(DirectoryStep(2, "passed"))
    place, why = _answering(outside, places, until)
    if place is None:
        return DirectoryProof(steps=(*steps, DirectoryStep(3, "failed", why)))  # (3)
    steps.append(DirectoryStep(3, "passed", place.url))
    found = _of_process(question, place, until)  # (4) to (8)
    proof = msgspec.structs.replace(found, steps=(*steps, *found.steps))
    if not proof.is_known:
        return proof
    usable = is_source_identity(proof.id)  # (9)
    usable = usable and (question.is_group or NAMED.fullmatch(proof.name) is not None)
    why = (
        "" if usable else f"a session cannot be named `{proof.name}`, or have this id (iam.md 8.1)"
    )
    step = DirectoryStep(9, "passed" if usable else "refused", why)
    return msgspec.structs.replace(proof, steps=(*proof.steps, step))


def _unusable(question: DirectoryQuestion) -> str:
    """Why this must not be sent; "" if it may be."""
    name, password = question.name, question.password
    if not name.strip() or len(name) > _MOST_NAME * (4 if question.is_group else 1):
        return "the name is empty or too long"
    if password is not None and not 0 < len(password) <= _MOST_PASSWORD:
        return "the password is empty or too long"
    if not name.isprintable() or "\0" in (password or ""):
        return "the name or the password has characters that nobody types"
    return ""


def _allowed(
    outside: Outside, places: Sequence[Place], until: float
) -> tuple[list[tuple[Place, str]], str]:
    """The servers that may be asked, each with an address, or why there is none."""
    allowed, why = [], ""
    for place in places:
        try:
            left = max(0.01, until - time.monotonic())
            found = outside.network.addresses(place.host, place.port, left)
        except OSError as error:
            why = f"{place.host}: {error}"
            continue
        refusals = [outside.reachable.refusal_of_operator(each, place.port) for each in found]
        if not found or any(refusals):
            why = next(filter(None, refusals), f"{place.host} has no address")
        else:
            allowed.append((place, found[0]))
    return allowed, why


def _answering(
    outside: Outside, places: Sequence[tuple[Place, str]], until: float
) -> tuple[Place | None, str]:
    """The first server that accepts connections, or why there is none."""
    why = ""
    for place, address in places:
        left = min(_CONNECT_SECONDS, until - time.monotonic()) / len(places)
        try:
            outside.network.connect(address, place.port, max(left, 0.01)).close()
        except OSError as error:
            why = f"{place.url}: {type(error).__name__}: {error}"
        else:
            return place, ""
    return None, why


def _of_process(question: DirectoryQuestion, place: Place, until: float) -> DirectoryProof:
    """What the process finds out. Whatever it does not say is that the directory is away."""
    library = find_spec("bonsai")  # which is not loaded by that
    if library is None or library.origin is None:
        return _failed("the extra `ldap` is not installed: run `make ldap` in the checkout")
    if not _processes.acquire(timeout=max(0.01, until - time.monotonic())):
        return _failed("too many directories are being asked")
    said = _said(question, place, until)
    asked = json.dumps({**said, "library": str(Path(library.origin).parents[1])})
    try:
        done = subprocess.run(  # noqa: S603  # our own program; what was typed is on its input
            [sys.executable, "-I", str(_PROGRAM)],
            input=asked.encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
            timeout=max(0.01, until - time.monotonic()), env={"PATH": "", "LANG": "C.UTF-8"},
        )  # fmt: skip
        return msgspec.json.decode(done.stdout, type=DirectoryProof, strict=False)
    except subprocess.TimeoutExpired:
        why = f"there was no answer within {SECONDS:g} seconds"
    except subprocess.CalledProcessError as error:
        why = f"the process that asks it ended with {error.returncode}"
    except msgspec.MsgspecError:
        why = "the process that asks it said what it never says"
    finally:
        _processes.release()
    return _failed(why)


def _failed(why: str) -> DirectoryProof:
    return DirectoryProof(steps=(DirectoryStep(4, "failed", why),))


def _said(question: DirectoryQuestion, place: Place, until: float) -> dict[str, Any]:
    """The question, for the process."""
    said: dict[str, Any] = msgspec.to_builtins(question.settings)
    settings = question.settings
    if question.is_group:
        said["name_attribute"] = "cn"
    return {
        **said,
        "kind": "group" if question.is_group else "person",
        "url": place.url,
        "start_tls": place.start_tls,
        "ca": settings.certificates,
        "ca_file": ssl.get_default_verify_paths().cafile or "",
        "bind_password": question.bind_password,
        "name": question.name,
        "password": question.password,
        "groups": question.groups,
        "id_is_guid": settings.id_attribute == "objectGUID",
        "seconds": max(0.1, until - time.monotonic()),
    }
