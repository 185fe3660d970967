"""How does a directory come and go, and how is a role assigned to its people?  (decision 0061)

People are assigned by the immutable id that the directory has of them, and never by what they are
called. A directory that is changed or removed ends the sessions of its people; so does an
assignment that goes.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from keystead.arns import Arn, NotAnArn, ds_arn, is_account_id, service_in
from keystead.custody.randomness import unique_id, urandom
from keystead.identity import limits, times
from keystead.identity.federation import (
    BadDirectory,
    DirectoryProof,
    DirectoryQuestion,
    DirectorySettings,
    settings_of_directory,
)
from keystead.identity.repository import Assignment, Directory, IdentityRepository, Role
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.store.protocol import Reader, Transaction

RESOURCE_TYPE = "AWS::DirectoryService::Directory"
PASSED_TO = "ds.amazonaws.com"
"""The service that gives people of a directory their roles."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_read = msgspec.json.Decoder(DirectorySettings).decode


def service_principal(region: str = "") -> Principal:
    """AWS Directory Service, who assumes roles for people of directories."""
    names = (PASSED_TO, *([service_in(PASSED_TO, region)] if region else []))
    return Principal(PrincipalType.SERVICE, PASSED_TO, "", PASSED_TO, service_names=names)


def arn_of(directory: Directory) -> str:
    return ds_arn(directory.region, directory.account, f"directory/{directory.directory_id}")


def settings_in(directory: Directory) -> DirectorySettings:
    """How a directory is asked."""
    return _read(directory.settings)


def created(
    transaction: Transaction,
    repository: IdentityRepository,
    asked: Mapping[str, Any],
    now: datetime,
) -> Directory:
    """A new directory, that is stored; raises BadDirectory.

    `asked` has its account, name, region, kind and bind password, and what differs from its kind.
    """
    account, name = str(asked["account"]), str(asked["name"])
    owner = repository.accounts.get(transaction, account) if is_account_id(account) else None
    if owner is None or not owner.is_open:
        raise BadDirectory(f"there is no open account `{account}`")
    if not _NAME.fullmatch(name):
        raise BadDirectory(f"`{name}` is no name: letters in lower case, digits, `.` and `-`")
    if repository.directories.named(transaction, name) is not None:
        raise BadDirectory(f"there is a directory `{name}` already")
    if len(repository.directories.every(transaction)) >= limits.DIRECTORIES:
        raise BadDirectory(f"there are {limits.DIRECTORIES} directories, and no more are possible")
    settings = settings_of_directory(str(asked["kind"]), asked["settings"])
    directory_id = f"d-{urandom(5).hex()}"
    password = _password(asked)
    directory = Directory(
        account=account,
        directory_id=directory_id,
        name=name,
        region=str(asked["region"]),
        kind=str(asked["kind"]),
        settings=msgspec.json.encode(settings).decode(),
        bind_password=repository.directories.sealed(account, directory_id, password),
        revision=0,
        created=times.stored(now),
    )
    repository.directories.insert(transaction, directory)
    return directory


def changed(
    transaction: Transaction,
    repository: IdentityRepository,
    directory: Directory,
    asked: Mapping[str, Any],
) -> Directory:
    """A directory with other settings, or another password of its bind name; sessions end."""
    known = msgspec.to_builtins(settings_in(directory))
    settings = settings_of_directory(directory.kind, {**known, **_given(asked["settings"])})
    sealed = directory.bind_password
    if asked.get("bind_password"):
        key = (directory.account, directory.directory_id)
        sealed = repository.directories.sealed(*key, _password(asked))
    text = msgspec.json.encode(settings).decode()
    changed = msgspec.structs.replace(directory, settings=text, bind_password=sealed)
    return repository.directories.revise(transaction, changed)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value}


def _password(asked: Mapping[str, Any]) -> str:
    password = str(asked["bind_password"])
    if not 0 < len(password) <= limits.DIRECTORY_PASSWORD or not password.isprintable():
        raise BadDirectory("the password of the bind name is empty, or no text of one line")
    return password


def question(
    repository: IdentityRepository,
    directory: Directory,
    name: str,
    *,
    password: str | None = None,
    groups: Sequence[str] = (),
    is_group: bool = False,
) -> DirectoryQuestion:
    """What the directory is asked about a name."""
    return DirectoryQuestion(
        settings=settings_in(directory),
        bind_password=repository.directories.bind_password(directory),
        name=name,
        password=password,
        groups=tuple(groups),
        is_group=is_group,
    )


def role_of(
    repository: IdentityRepository, reader: Reader, directory: Directory, named: str
) -> Role:
    """The role of the directory's account that is meant; raises BadDirectory."""
    name = named
    if named.startswith("arn:"):
        try:
            arn = Arn.parse(named)
        except NotAnArn:
            raise BadDirectory(f"`{named}` is not the ARN of a role") from None
        name = arn.resource.rpartition("/")[2]
    role = repository.roles.named(reader, directory.account, name)
    if role is None or (named.startswith("arn:") and role.arn != named):
        raise BadDirectory(f"account {directory.account} has no role `{named}`")
    return role


def assigned(
    transaction: Transaction,
    repository: IdentityRepository,
    directory: Directory,
    role: Role,
    found: DirectoryProof,
    *,
    now: datetime,
    is_group: bool,
) -> Assignment:
    """The assignment of what the directory found to a role; raises BadDirectory."""
    known = repository.directories.assignments(transaction, directory)
    if len(known) >= limits.ASSIGNMENTS_PER_DIRECTORY:
        known = _without_deleted_roles(transaction, repository, known)
    if len(known) >= limits.ASSIGNMENTS_PER_DIRECTORY:
        most = limits.ASSIGNMENTS_PER_DIRECTORY
        raise BadDirectory(f"the directory has {most} assignments, and no more are possible")
    for each in known:
        same = (bool(each.is_group), each.subject_id, each.role_id)
        if same == (is_group, found.id, role.role_id):
            raise BadDirectory(f"`{found.name}` has the role `{role.name}` already")
    assignment = Assignment(
        account=directory.account,
        assignment_id=unique_id("ASGN"),
        directory_id=directory.directory_id,
        is_group=int(is_group),
        subject_id=found.id,
        subject_name=found.name,
        role_id=role.role_id,
        created=times.stored(now),
    )
    repository.directories.assign(transaction, assignment)
    return assignment


def _without_deleted_roles(
    transaction: Transaction, repository: IdentityRepository, known: Sequence[Assignment]
) -> list[Assignment]:
    """Make room: an assignment to a deleted role, which never comes back, goes."""
    left = []
    for each in known:
        if repository.roles.get(transaction, each.account, each.role_id) is None:
            repository.directories.unassign(transaction, each)
        else:
            left.append(each)
    return left


def groups_of(assignments: Sequence[Assignment]) -> tuple[str, ...]:
    """The groups that are assigned to roles, by their ids."""
    return tuple(sorted({each.subject_id for each in assignments if each.is_group}))


def of_person(assignments: Sequence[Assignment], found: DirectoryProof) -> list[Assignment]:
    """What is assigned to a person or its groups: one for each role, first the person's own."""
    chosen: dict[str, Assignment] = {}
    for each in sorted(assignments, key=lambda one: one.is_group):
        subjects = found.groups if each.is_group else (found.id,)
        if each.subject_id in subjects:
            chosen.setdefault(each.role_id, each)
    return list(chosen.values())
