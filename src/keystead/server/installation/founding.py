"""How is an installation made?  All of it, or nothing.

    DIR/.founding/            everything is made here, on the same file system
    DIR/.founding/complete    … and is durable: from now on it is only moved
    DIR/                      each file comes here by one rename

A start that finds `.founding` without `complete` removes it and begins anew: nobody was told of
anything in it. A start that finds `complete` finishes the moves. So after an interrupted first
start, the next start ends with a whole installation. Nothing outside of `.founding` is ever
removed. A directory with other contents is refused, because it may be an installation that lost a
file.

A person is told once where the secrets are, by the first start that can. Until then there is a
file `not-told.json`.
"""

import os
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from keystead.arns import partition_of, speak
from keystead.audit.records import Event
from keystead.audit.trail import Trail
from keystead.custody.files import create_private, read_private, remove
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.seals import SEAL_FILE, SealProvider, initialise
from keystead.custody.state import open_sums
from keystead.failures import Failure
from keystead.identity import accounts
from keystead.identity.access_keys import IssuedKey
from keystead.identity.accounts import CeremonyRefused
from keystead.identity.repository import IdentityRepository
from keystead.server.installation import profiles
from keystead.server.pipeline import new_request_id
from keystead.store.protocol import Store
from keystead.store.sqlite import open_store

STAGING = ".founding"
COMPLETE = "complete"
STORE_FILE = "keystead.db"
AUDIT_DIRECTORY = "audit"
PASSWORD_FILE = "root-password.txt"  # noqa: S105  # a name, not a password
ADMINISTRATOR = "admin"
EVENT_SOURCE = "keystead"
NOT_TOLD = "not-told.json"

# These names may be in a directory that holds no installation yet.
_OURS = frozenset({STAGING, "lock", "control.sock"})


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices that a person has about a new installation."""

    seal: SealProvider
    region: str
    endpoint_url: str
    account_id: str | None = None
    email: str = "root@localhost"
    development: bool = False  # for ever (decision 0043)


@dataclass(frozen=True, slots=True)
class Founded:
    """The account that was made, and the access key of its administrator."""

    account_id: str
    email: str
    access_key: IssuedKey = field(repr=False)


class Untold(msgspec.Struct, frozen=True):
    """The account of a new installation that nobody was told of yet."""

    account_id: str
    email: str


def untold(directory: Path) -> Untold | None:
    """The account that a person has still to be told of; None if a person was told."""
    if not (directory / NOT_TOLD).exists():
        return None
    return msgspec.json.decode(read_private(directory / NOT_TOLD), type=Untold)


def told(directory: Path) -> None:
    """Remember that a person was told."""
    remove(directory / NOT_TOLD)


def is_founded(directory: Path) -> bool:
    """Is there a whole installation in this directory?"""
    return (directory / SEAL_FILE).exists() and not (directory / STAGING / COMPLETE).exists()


def complete(directory: Path) -> None:
    """Finish the moves of an interrupted founding, if there was one."""
    staging = directory / STAGING
    if (staging / COMPLETE).exists():
        _move(staging, directory)
    elif is_founded(directory) and staging.exists():
        staging.rmdir()  # everything was moved, and only this was left


def found(directory: Path, choices: Choices, now: datetime) -> Founded:
    """Make an installation in a directory that has none; the caller holds the directory's lock.

    (1) Refuse a directory that is not empty. (2) Make the root key with its recovery wrap.
    (3) Make store, account, root user, administrator, and their records. (4) Make the files for a
    person. (5) Make all of it durable, and move it.
    """
    _require_empty(directory)  # (1)
    speak(partition_of(choices.region))
    staging = directory / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    hierarchy = Hierarchy(
        initialise(staging, choices.seal, development=choices.development)  # (2)
    )
    try:
        founded, password = _populate(staging, hierarchy, choices, now)  # (3)
    except CeremonyRefused as refusal:
        raise Failure(str(refusal), "give another one") from None
    create_private(staging / PASSWORD_FILE, f"{password}\n".encode())  # (4)
    profiles.write(
        staging, founded.access_key, region=choices.region, endpoint_url=choices.endpoint_url
    )
    made = Untold(founded.account_id, founded.email)
    create_private(staging / NOT_TOLD, msgspec.json.encode(made))
    create_private(staging / COMPLETE, b"")  # (5)
    _move(staging, directory)
    return founded


def _require_empty(directory: Path) -> None:
    others = sorted({entry.name for entry in directory.iterdir()} - _OURS)
    if others:
        raise Failure(
            f"`{directory}` is not empty and holds no whole installation"
            f" (`{SEAL_FILE}` is missing, `{others[0]}` is there)",
            "name an empty directory, or put the missing file back from a copy",
        )


def _populate(
    staging: Path, hierarchy: Hierarchy, choices: Choices, now: datetime
) -> tuple[Founded, str]:
    with closing(open_store(staging / STORE_FILE, hierarchy.store_key)) as store:
        open_sums(hierarchy.rows, store)
        with closing(_trail(staging, store, hierarchy)) as trail:
            founded, password = _first_account(hierarchy, store, trail, choices, now)
    return founded, password


def _trail(staging: Path, store: Store, hierarchy: Hierarchy) -> Trail:
    return Trail(
        staging / AUDIT_DIRECTORY,
        store,
        hierarchy.audit_signer,
        hierarchy.audit_tags,
        hierarchy.sums,
        development=hierarchy.development,
    )


def _first_account(
    hierarchy: Hierarchy, store: Store, trail: Trail, choices: Choices, now: datetime
) -> tuple[Founded, str]:
    repository = IdentityRepository(hierarchy.rows)
    with store.write() as transaction:
        made = accounts.create_account(
            transaction,
            repository,
            hierarchy.passwords,
            email=choices.email,
            now=now,
            account_id=choices.account_id,
        )
        administrator = accounts.create_administrator(
            transaction, repository, made.account, name=ADMINISTRATOR, now=now
        )
    number = made.account.account
    details = {"accountId": number, "userName": ADMINISTRATOR}
    trail.record(ceremony_event("Initialize", now, {"accountId": number}))
    trail.record(ceremony_event("CreateAdministrator", now, details))
    trail.commit()
    return Founded(number, choices.email, administrator.access_key), made.root_password


def ceremony_event(name: str, now: datetime, details: dict[str, str]) -> Event:
    """The event of an operator's act on this machine. No caller could have asked for it."""
    return Event(
        request_id=new_request_id(),
        time=now,
        source=EVENT_SOURCE,
        name=name,
        event_type="AwsServiceEvent",
        service_details=details,
    )


def _move(staging: Path, directory: Path) -> None:
    """Move everything to the data directory. After an interruption the rest is moved."""
    for entry in sorted(staging.iterdir()):
        if entry.name == "lock":  # the staging store's own
            entry.unlink()
        elif entry.name != COMPLETE:
            entry.rename(directory / entry.name)
    _sync(directory)
    (staging / COMPLETE).unlink()
    staging.rmdir()
    _sync(directory)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
