"""How does the operator name a directory, try it, and assign its people to roles?  Ceremonies.

What asks the directory is `pending` at first: a thread does it (`trying`), and the command comes
again. The operator may name a directory with a private address, because no caller does. (0061)
"""

from collections.abc import Mapping
from typing import Any

from keystead.audit.records import HIGH, EventResource
from keystead.failures import Failure
from keystead.identity import directories
from keystead.identity.federation import (
    DIRECTORY_STEPS,
    BadDirectory,
    DirectoryProof,
    ask_directory,
)
from keystead.identity.repository import Assignment, Directory
from keystead.inquiry import question
from keystead.server.installation.ceremonies.instances import account_of
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Reader
from keystead.times import from_seconds, iso_seconds

_SEE = "see docs/federation-directory.md"


def create(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make a directory known, in the account that is named or in the only one there is."""
    account = account_of(installation, arguments)
    region = str(arguments.get("region") or installation.config.regions[0])
    if region not in installation.config.regions:
        served = ", ".join(installation.config.regions)
        raise Failure(f"`{region}` is no Region of this installation", f"name one of: {served}")
    asked = {**_asked(arguments), "account": account, "region": region}
    repository, now = installation.identities, installation.clock.now()
    with installation.store.write() as transaction:
        try:
            made = directories.created(transaction, repository, asked, now)
        except BadDirectory as refusal:
            raise Failure(str(refusal), _SEE) from None
        _note(installation, "CreateDirectory", made)
    return _shown(made)


def update(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Change how a directory is asked. The sessions of its people end."""
    with installation.store.write() as transaction:
        known = _directory(installation, transaction, arguments)
        try:
            changed = directories.changed(
                transaction, installation.identities, known, _asked(arguments)
            )
        except BadDirectory as refusal:
            raise Failure(str(refusal), _SEE) from None
        _note(installation, "UpdateDirectory", changed)
    return _shown(changed)


def listed(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    every = installation.identities.directories.every(installation.store.read())
    return {"Directories": [_shown(directory) for directory in every]}


def show(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A directory, with its assignments. Its bind password is never shown."""
    reader = installation.store.read()
    directory = _directory(installation, reader, arguments)
    known = installation.identities.directories.assignments(reader, directory)
    return {
        **_shown(directory),
        "Assignments": [_assignment(installation, reader, each) for each in known],
    }


def delete(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Forget a directory, with its assignments. The sessions of its people end."""
    with installation.store.write() as transaction:
        directory = _directory(installation, transaction, arguments)
        installation.identities.directories.delete(transaction, directory)
        _note(installation, "DeleteDirectory", directory)
    return {"Name": directory.name, "DirectoryId": directory.directory_id}


def attempt(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What would a sign-in with this name do?  Without a password: up to the question for it."""
    reader, repository = installation.store.read(), installation.identities
    directory = _directory(installation, reader, arguments)
    known = repository.directories.assignments(reader, directory)
    password = arguments.get("password")
    asked = directories.question(
        repository, directory, str(arguments["user"]),
        password=None if password is None else str(password),
        groups=directories.groups_of(known),
    )  # fmt: skip
    done, proof = installation.trials.answer(
        ["try", directory.directory_id, asked.name, asked.password],
        ask_directory, installation.outside, asked,
    )  # fmt: skip
    if not done:
        return {"pending": True}
    found = _answered(proof)
    roles = directories.of_person(known, found) if found.is_known else []
    return {
        "Steps": [
            {"Step": each.step, "Title": DIRECTORY_STEPS[each.step], "Ended": each.ended,
             "Why": each.why}
            for each in found.steps
        ],
        "Proved": found.proves,
        "ImmutableId": found.id,
        "CanonicalName": found.name,
        "Assignments": [
            {
                **_assignment(installation, reader, each),
                "LetsIn": _lets_in(installation, reader, directory, each, found),
            }
            for each in roles
        ],
    }  # fmt: skip


def assign(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Let a person, or the members of a group, have sessions of a role.

    The directory says which entry has the name; its immutable id is what is assigned.
    """
    repository, now = installation.identities, installation.clock.now()
    reader = installation.store.read()
    directory = _directory(installation, reader, arguments)
    group = arguments.get("group")
    name = str(group or arguments["user"])
    asked = directories.question(repository, directory, name, is_group=bool(group))
    try:
        directories.role_of(repository, reader, directory, str(arguments["role"]))
    except BadDirectory as refusal:
        raise Failure(str(refusal), "see `aws iam list-roles`") from None
    done, proof = installation.trials.answer(
        ["assign", directory.as_it_is, bool(group), name],
        ask_directory, installation.outside, asked,
    )  # fmt: skip
    if not done:
        return {"pending": True}
    found = _answered(proof)
    if not found.is_known:
        raise Failure(f"`{name}` was not found: {found.why}", _SEE, status=1)
    with installation.store.write() as transaction:
        try:
            role = directories.role_of(repository, transaction, directory, str(arguments["role"]))
            made = directories.assigned(
                transaction, repository, _directory(installation, transaction, arguments), role,
                found, now=now, is_group=bool(group),
            )  # fmt: skip
        except BadDirectory as refusal:
            raise Failure(str(refusal), _SEE) from None
        _note(installation, "AssignDirectoryRole", directory, made)
        return _assignment(installation, transaction, made)


def unassign(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Take an assignment away. The sessions that it began end."""
    with installation.store.write() as transaction:
        directory = _directory(installation, transaction, arguments)
        table, named = installation.identities.directories, str(arguments["assignment"])
        known = table.assignment(transaction, directory.account, named)
        if known is None or known.directory_id != directory.directory_id:
            raise Failure(
                f"`{directory.name}` has no assignment `{named}`",
                f"see `keystead directory show {directory.name}`",
                status=1,
            )
        shown = _assignment(installation, transaction, known)
        table.unassign(transaction, known)
        _note(installation, "UnassignDirectoryRole", directory, known)
    return shown


def _lets_in(
    installation: Installation,
    reader: Reader,
    directory: Directory,
    assignment: Assignment,
    found: DirectoryProof,
) -> bool:
    """Does the role's trust policy let the person in?  Decided as a sign-in does, now."""
    role = installation.identities.roles.get(reader, assignment.account, assignment.role_id)
    asked = {
        "principal": directories.PASSED_TO,
        "resource": "" if role is None else role.arn,
        "context": {
            "aws:SourceArn": [directories.arn_of(directory)],
            "aws:SourceAccount": [directory.account],
            "sts:RoleSessionName": [found.name],
            "sts:SourceIdentity": [found.id],
        },
    }
    actions = ("sts:AssumeRole", "sts:SetSourceIdentity")
    return role is not None and all(
        question.explain_one(installation, {**asked, "action": action})["decision"] == "Allowed"
        for action in actions
    )


def _directory(
    installation: Installation, reader: Reader, arguments: Mapping[str, Any]
) -> Directory:
    name = str(arguments["name"])
    directory = installation.identities.directories.named(reader, name)
    if directory is None:
        raise Failure(f"there is no directory `{name}`", "see `keystead directory list`")
    return directory


def _answered(proof: DirectoryProof | None) -> DirectoryProof:
    if proof is None:
        raise Failure("the directory could not be asked", "see the server's log")
    return proof


def _asked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a directory is made of."""
    return {
        "name": str(arguments["name"]),
        "kind": str(arguments.get("kind") or "openldap"),
        "bind_password": str(arguments.get("bind_password") or ""),
        "settings": dict(arguments.get("settings") or {}),
    }


def _note(
    installation: Installation,
    name: str,
    directory: Directory,
    assignment: Assignment | None = None,
) -> None:
    """Record what was done. Every change of a directory matters to somebody who watches."""
    told = {"name": directory.name, "accountId": directory.account}
    if assignment is not None:
        kind = "groupId" if assignment.is_group else "personId"
        told |= {kind: assignment.subject_id, "roleId": assignment.role_id}
    event = ceremony_event(name, installation.clock.now(), told)
    event.severity = HIGH
    arn = directories.arn_of(directory)
    event.resources = [EventResource(directory.account, directories.RESOURCE_TYPE, arn)]
    installation.trail.record(event)


def _shown(directory: Directory) -> dict[str, Any]:
    settings = directories.settings_in(directory)
    return {
        "Name": directory.name,
        "DirectoryId": directory.directory_id,
        "Arn": directories.arn_of(directory),
        "AccountId": directory.account,
        "Kind": directory.kind,
        "Urls": list(settings.urls),
        "OwnCertificates": bool(settings.certificates),
        "BindDn": settings.bind_dn,
        "PersonBases": list(settings.person_bases),
        "PersonFilter": settings.person_filter,
        "GroupBases": list(settings.group_bases),
        "GroupFilter": settings.group_filter,
        "MemberAttributes": list(settings.member_attributes),
        "IdAttribute": settings.id_attribute,
        "NameAttribute": settings.name_attribute,
        "Revision": directory.revision,
        "CreateDate": iso_seconds(from_seconds(directory.created)),
    }


def _assignment(installation: Installation, reader: Reader, each: Assignment) -> dict[str, Any]:
    role = installation.identities.roles.get(reader, each.account, each.role_id)
    return {
        "AssignmentId": each.assignment_id,
        "Kind": "group" if each.is_group else "user",
        "Name": each.subject_name,
        "ImmutableId": each.subject_id,
        "RoleArn": "" if role is None else role.arn,
        "RoleId": each.role_id,
    }
