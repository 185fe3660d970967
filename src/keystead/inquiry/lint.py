"""Are the policies in these files right?  ValidatePolicy's findings, file by file.

Every .json file below a folder is taken for a policy: a file that is skipped would seem to be
right. In a folder of policies the path says which kind of policy it is (docs/simulate.md).
Elsewhere its content says it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from keystead.failures import Failure
from keystead.inquiry.folder_files import text
from keystead.policy.findings import PolicyFinding, findings, is_trust_policy
from keystead.policy.language import DocumentKind
from keystead.policy.text import ascii_lower
from keystead.strictjson import NotStrictJson, loads

_BY_FOLDER = {
    "managed": DocumentKind.IDENTITY,
    "keys": DocumentKind.KEY,
    "scps": DocumentKind.SCP,
    "rcps": DocumentKind.RCP,
}
_OF_ENTITIES = frozenset({"users", "groups"})  # each has a folder of its own in there
_EMPTY = "name policies, or folders with policies (*.json)"


class Linted(msgspec.Struct, frozen=True):
    """One file, the kind of policy that it was taken for, and the findings."""

    file: Path
    kind: DocumentKind
    findings: tuple[PolicyFinding, ...]


def lint(
    paths: Iterable[Path], kind: DocumentKind | None, *, any_key: bool, partition: str
) -> Iterator[Linted]:
    """Each file once, with its findings; `kind` is the kind of all of them, if it is given."""
    for file in dict.fromkeys(file for path in paths for file in _files(path)):
        document = text(file)
        its = kind or _kind(file, document)
        of_file = findings(document, its, any_key=any_key, partition=partition)
        yield Linted(file, its, of_file)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.exists():
        raise Failure(f"`{path}`: there is no such file or folder", _EMPTY, status=2)
    files = [file for file in path.rglob("*.json") if file.is_file() and not _hidden(path, file)]
    if not files:
        raise Failure(f"`{path}`: there is no policy in it", _EMPTY, status=2)
    return sorted(files)


def _hidden(path: Path, file: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(path).parts)


def _kind(file: Path, document: str) -> DocumentKind:
    """Which kind of policy is it?  Its path says it, or else its content."""
    folders = file.resolve().parent.parts
    if folders[-1] in _BY_FOLDER:
        return _BY_FOLDER[folders[-1]]
    if folders[-2:-1] and folders[-2] in _OF_ENTITIES:
        return DocumentKind.IDENTITY
    statements = list(_statements(document))
    if not any({"Principal", "NotPrincipal"} & statement.keys() for statement in statements):
        return DocumentKind.IDENTITY
    if is_trust_policy(document):
        return DocumentKind.TRUST
    actions = [
        ascii_lower(str(action))
        for statement in statements
        for action in _listed(statement.get("Action"))
    ]
    ours = all(action == "*" or action.startswith("kms:") for action in actions)
    return DocumentKind.KEY if ours else DocumentKind.RESOURCE


def _statements(document: str) -> Iterator[Mapping[str, Any]]:
    """The statements of a document; none if it is not a policy."""
    try:
        read = loads(document.encode())
    except NotStrictJson:
        return
    written = read.get("Statement") if isinstance(read, dict) else None
    yield from (statement for statement in _listed(written) if isinstance(statement, dict))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
