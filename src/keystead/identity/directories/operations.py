"""AssignDirectoryRole, ListDirectoryAssignments, UnassignDirectoryRole: as the operator may (0061).

Each needs an action of its own on the directory. To assign a role is to pass it to the service of
directories: `iam:PassRole`, with `iam:PassedToService` = `ds.amazonaws.com`. The directory is asked
for the id of the name after that was decided. A caller reaches directories of the own account
alone, whose addresses the operator chose.
"""

from keystead.arns import Arn, NotAnArn, ds_arn
from keystead.call import Target
from keystead.identity import resources
from keystead.identity.call import ServicesCall
from keystead.identity.directories.registration import (
    PASSED_TO,
    RESOURCE_TYPE,
    arn_of,
    assigned,
    question,
    role_of,
)
from keystead.identity.federation import BadDirectory, DirectoryProof, ask_directory
from keystead.identity.repository import Assignment, Directory, Role
from keystead.identity.resources import Named
from keystead.registry import implements, implements_with_work
from keystead.wire.models import keystead as api
from keystead.work import MadeWith, Work, digest
from keystead.work import outside as elsewhere

_SECONDS = 0.1  # a guess: the pool learns how long the directory takes


@implements_with_work(api.AssignDirectoryRole)
def assign_directory_role(
    call: ServicesCall, request: api.AssignDirectoryRoleRequest
) -> api.AssignDirectoryRoleResponse | Work[DirectoryProof]:
    directory = _directory(call, request.directory_id)
    call.authorize("keystead:AssignDirectoryRole", _target(call, request.directory_id, directory))
    passed = _role(call, request.role_arn)
    call.authorize("iam:PassRole", passed, {"iam:passedtoservice": PASSED_TO})
    there = _there(directory)
    if bool(request.user_name) == bool(request.group_name):
        raise api.InvalidAssignmentException("Either UserName or GroupName is to be given.")
    found = _found(call, there, request)
    if isinstance(found, Work):
        return found
    try:
        role = role_of(call.repository, call.transaction, there, request.role_arn)
        made = assigned(
            call.transaction, call.repository, there, role, found,
            now=call.now, is_group=bool(request.group_name),
        )  # fmt: skip
    except BadDirectory as refusal:
        raise api.InvalidAssignmentException(f"The role is not assigned: {refusal}") from None
    return api.AssignDirectoryRoleResponse(assignment=_shown(call, made))


@implements(api.ListDirectoryAssignments)
def list_directory_assignments(
    call: ServicesCall, request: api.ListDirectoryAssignmentsRequest
) -> api.ListDirectoryAssignmentsResponse:
    directory = _directory(call, request.directory_id)
    target = _target(call, request.directory_id, directory)
    call.authorize("keystead:ListDirectoryAssignments", target)
    known = call.repository.directories.assignments(call.transaction, _there(directory))
    return api.ListDirectoryAssignmentsResponse(assignments=[_shown(call, each) for each in known])


@implements(api.UnassignDirectoryRole)
def unassign_directory_role(call: ServicesCall, request: api.UnassignDirectoryRoleRequest) -> None:
    directory = _directory(call, request.directory_id)
    target = _target(call, request.directory_id, directory)
    call.authorize("keystead:UnassignDirectoryRole", target)
    there, directories = _there(directory), call.repository.directories
    known = directories.assignment(call.transaction, there.account, request.assignment_id)
    if known is None or known.directory_id != there.directory_id:
        raise api.NoSuchAssignmentException("The directory has no such assignment.")
    directories.unassign(call.transaction, known)


def _found(
    call: ServicesCall, directory: Directory, request: api.AssignDirectoryRoleRequest
) -> DirectoryProof | Work[DirectoryProof]:
    """The entry that has the name, as the directory knows it."""
    name, is_group = request.group_name or request.user_name or "", bool(request.group_name)
    asked = question(call.repository, directory, name, is_group=is_group)
    made_with = MadeWith(
        key=directory.as_it_is,
        version=directory.row_version,
        input=digest(name.encode(), str(is_group).encode()),
    )
    pool = elsewhere("directory", directory.account, directory.directory_id)
    work = Work(pool, _SECONDS, made_with, ask_directory, (call.outside, asked))
    done = call.done(work)
    if done is None:
        return work
    if done.value.is_away:
        raise api.DirectoryUnavailableException("The directory cannot be asked now.")
    if not done.value.is_known:
        raise api.InvalidAssignmentException("The directory has no such name.")
    return done.value


def _role(call: ServicesCall, text: str) -> Named[Role]:
    """The role with this ARN, whether it is there or not; nobody passes another account's."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise api.InvalidAssignmentException("RoleArn is not the ARN of a role.") from None
    known, name = None, arn.resource.rpartition("/")[2]
    if arn.account == call.account:
        known = call.repository.roles.named(call.transaction, call.account, name)
    there = known if known is not None and known.arn == text else None
    return resources.with_arn(Role, arn.account, text, there)


def _directory(call: ServicesCall, directory_id: str) -> Directory | None:
    return call.repository.directories.get(call.transaction, call.account, directory_id)


def _target(call: ServicesCall, directory_id: str, directory: Directory | None) -> Target:
    """The directory as the resource of a question, whether it is there or not."""
    if directory is not None:
        arn = arn_of(directory)
    else:
        arn = ds_arn(call.region, call.account, f"directory/{directory_id}")
    return Target(arn, call.account, RESOURCE_TYPE)


def _there(directory: Directory | None) -> Directory:
    if directory is None:
        raise api.NoSuchDirectoryException("There is no such directory in this account.")
    return directory


def _shown(call: ServicesCall, each: Assignment) -> api.DirectoryAssignment:
    role = call.repository.roles.get(call.transaction, each.account, each.role_id)
    return api.DirectoryAssignment(
        assignment_id=each.assignment_id,
        is_group=bool(each.is_group),
        name=each.subject_name,
        immutable_id=each.subject_id,
        role_arn=None if role is None else role.arn,
    )
