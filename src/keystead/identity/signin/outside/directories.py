"""DirectoryLogin: how does a person of a directory come to a session?  (sign-in.md 4.6)

    name and password -> the directory -> assigned roles -> outsider_signed_in

Tries are counted before the directory is asked, by what was typed and by the network. A directory
has many spellings of one name. So they are counted again after it, by the id of the person (LD-4).
A right password is refused, too, while one of these has to wait.

The service ds.amazonaws.com assumes the role. The role's trust policy is asked each time, with the
directory as the source. The session ends with the role, the assignment, and the directory.
"""

import unicodedata
from collections.abc import Sequence

import msgspec

from keystead.identity import directories, times
from keystead.identity.call import SigninCall
from keystead.identity.federation import DirectoryProof, ask_directory
from keystead.identity.permissions import sources, trust
from keystead.identity.repository import Assignment, Directory
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow
from keystead.identity.signin.asked import DirectoryLoginRequest, StepAnswer, TooManyTries
from keystead.identity.signin.outside.entering import outsider_signed_in
from keystead.identity.signin.sessions import SESSION_SECONDS, WAYS, Choice, Outsider, Way, records
from keystead.identity.signin.steps import Subject, tries
from keystead.policy.evaluation import AccessDenied, ContextValue
from keystead.work import MadeWith, Work, digest
from keystead.work import outside as elsewhere

WAY = "directory"
_SECONDS = 0.1  # a guess: the pool learns how long the directory takes
_FREE, _FREE_OF_NETWORK, _REGAIN = 2, 20, 60  # as of users
_FREE_OF_PERSON = _FREE + 1  # so that one who types one name never waits for the id alone
_DENIED = "Not authorized to perform sts:AssumeRole"


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What was proved: the directory as it was, and the assignment of each choice."""

    directory_id: str
    as_it_was: str
    assignments: tuple[str, ...]  # ids, in the order of the choices


_decode = msgspec.msgpack.Decoder(Evidence).decode


def directory_login(
    call: SigninCall, request: DirectoryLoginRequest
) -> StepAnswer | Work[DirectoryProof]:
    """Is this the password of that name, says the directory?"""
    named = request.directory.strip().lower()
    directory = _open_directory(call, named)
    subjects = _counted(call, named, request.user_name)
    call.asked = True  # whatever follows: the directory, and then each role's trust policy
    if directory is None:
        _begin(call, subjects)
        records.of_nobody(call, "")
        return _refused(call, request.url)
    known = call.repository.directories.assignments(call.transaction, directory)
    work = _work(call, directory, known, request)
    done = call.done(work)
    if done is None:
        _begin(call, subjects)
        return work
    proof = done.value
    if not proof.id:
        records.of_nobody(call, directory.account)
        return _refused(call, request.url, proof)
    outsider = _outsider(call, directory, known, proof)
    person = _of_person(call, outsider)
    records.of_outsider(call, outsider)
    if _waits(call, person):
        # A wait would tell that this is another spelling of a name that somebody has (CO-5).
        return _refused(call, request.url, proof, "step 0: the person was tried too often")
    if not proof.proves:
        return _refused(call, request.url, proof)
    for counted in (subjects, person):
        tries.right(call.transaction, call.repository.sign_ins, counted)
    return outsider_signed_in(call, outsider, request.url)


def _open_directory(call: SigninCall, name: str) -> Directory | None:
    """The directory with this name, of an account that is open."""
    directory = call.repository.directories.named(call.transaction, name)
    if directory is None:
        return None
    account = call.repository.accounts.get(call.transaction, directory.account)
    return directory if account is not None and account.is_open else None


def _work(
    call: SigninCall,
    directory: Directory,
    known: Sequence[Assignment],
    request: DirectoryLoginRequest,
) -> Work[DirectoryProof]:
    """One question to the directory, about this name, this password and the assigned groups."""
    question = directories.question(
        call.repository, directory, request.user_name.strip(),
        password=request.password, groups=directories.groups_of(known),
    )  # fmt: skip
    typed = call.typed_names.of("directory question", request.user_name, request.password)
    made_with = MadeWith(
        key=directory.as_it_is,
        version=directory.row_version,
        input=digest(typed.encode(), *(group.encode() for group in question.groups)),
    )
    pool = elsewhere("directory", directory.account, directory.directory_id)
    return Work(pool, _SECONDS, made_with, ask_directory, (call.outside, question))


def _counted(call: SigninCall, directory: str, name: str) -> tuple[Subject, ...]:
    """What a try counts for before the directory is asked."""
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    typed = call.typed_names.of("directory name", directory, folded)
    network = call.typed_names.of("network", call.network)
    return Subject(typed, _FREE), Subject(network, _FREE_OF_NETWORK, _REGAIN)


def _of_person(call: SigninCall, outsider: Outsider) -> tuple[Subject, ...]:
    """What a try counts for when the directory has said who it is."""
    count = call.typed_names.of("directory person", outsider.provider, outsider.subject)
    return (Subject(count, _FREE_OF_PERSON),)


def _begin(call: SigninCall, subjects: tuple[Subject, ...]) -> None:
    """Count a try; raises TooManyTries if it is too early for one."""
    wait = _waits(call, subjects)
    if wait:
        raise TooManyTries(wait)


def _waits(call: SigninCall, subjects: tuple[Subject, ...]) -> int:
    """Count a try. Returns the seconds to wait, if it is too early for one."""
    now = times.stored(call.now)
    return tries.begin(call.transaction, call.repository.sign_ins, subjects, now)


def _refused(
    call: SigninCall, url: str, proof: DirectoryProof | None = None, why: str = ""
) -> StepAnswer:
    """Nobody is signed in. Only administrators hear which step it was."""
    records.failed(call, "ConsoleLogin", url)
    why = why or (proof.why if proof else "there is no such directory")
    call.event.additional["FailedStep"] = why
    is_away = proof is not None and proof.is_away
    return StepAnswer(next="away" if is_away else "failed")


def _outsider(
    call: SigninCall,
    directory: Directory,
    known: Sequence[Assignment],
    proof: DirectoryProof,
) -> Outsider:
    """The person whom the directory knows, with the roles that follow from a proof."""
    arn, choices, chosen = directories.arn_of(directory), [], []
    for each in directories.of_person(known, proof) if proof.proves else ():
        role = call.repository.roles.get(call.transaction, each.account, each.role_id)
        if role is not None:
            choices.append(Choice(role.arn, arn))
            chosen.append(each.assignment_id)
    evidence = Evidence(directory.directory_id, directory.as_it_is, tuple(chosen))
    return Outsider(
        way=WAY,
        name=proof.name,
        subject=proof.id,
        provider=arn,
        account=directory.account,
        evidence=msgspec.msgpack.encode(evidence),
        choices=tuple(choices),
    )


def decide(call: SigninCall, outsider: Outsider, choice: Choice) -> Session:
    """The session of a role, if its trust policy lets the service in for this directory."""
    evidence, account = _decode(outsider.evidence), outsider.account
    place = outsider.choices.index(choice)
    call.bears(directories.service_principal(call.region))
    assignment = call.repository.directories.assignment(
        call.transaction, account, evidence.assignments[place]
    )
    role = None
    if assignment is not None:
        role = call.repository.roles.get(call.transaction, account, assignment.role_id)
    if assignment is None or role is None:
        raise AccessDenied(None, _DENIED, why="the assignment or the role is gone")
    target = trust.assumable(call.repository, role)
    keys: dict[str, ContextValue] = {
        **sources.of_account(call.repository, call.transaction, account),
        "aws:sourcearn": outsider.provider,
        "sts:rolesessionname": outsider.name,
        "sts:sourceidentity": outsider.subject,
    }
    try:
        call.authorize("sts:AssumeRole", target, keys)
        call.authorize("sts:SetSourceIdentity", target, keys)
    except AccessDenied as refused:
        raise refused.reworded(_DENIED) from None
    issued = times.stored(call.now)
    return Session(
        kind=SessionKind.ROLE,
        account=account,
        rows=(
            SessionRow(RowKind.ROLE, account, role.role_id),
            SessionRow(RowKind.DIRECTORY, account, evidence.as_it_was),
            SessionRow(RowKind.DIRECTORY_ASSIGNMENT, account, assignment.assignment_id),
        ),
        issued=issued,
        expires=issued + min(role.longest_session, SESSION_SECONDS),
        name=outsider.name,
        source_identity=outsider.subject,
    )


WAYS[WAY] = Way("AssumeRole", decide)
