"""What is wrong with the policies in these files?  ValidatePolicy's findings, file by file.

Every .json file below a folder is a policy: one that is not looked at would seem to be right. What
kind of policy it is, its place says where it has one in a folder of policies (docs/simulate.md),
otherwise what is in it.
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
_EMPTY = "name policies, or folders that hold some (*.json)"


class Linted(msgspec.Struct, frozen=True):
    """One file, what it was taken for, and what was found."""

    file: Path
    kind: DocumentKind
    findings: tuple[PolicyFinding, ...]


def lint(
    places: Iterable[Path], kind: DocumentKind | None, *, any_key: bool, partition: str
) -> Iterator[Linted]:
    """Each file in its turn, once; `kind` is what all of them are, if it is given."""
    for file in dict.fromkeys(file for place in places for file in _files(place)):
        document = text(file)
        its = kind or _kind(file, document)
        found = findings(document, its, any_key=any_key, partition=partition)
        yield Linted(file, its, found)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.exists():
        raise Failure(f"`{place}`: there is no such file or folder", _EMPTY, status=2)
    found = [one for one in place.rglob("*.json") if one.is_file() and not _hidden(place, one)]
    if not found:
        raise Failure(f"`{place}`: there is no policy in it", _EMPTY, status=2)
    return sorted(found)


def _hidden(place: Path, file: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(place).parts)


def _kind(file: Path, document: str) -> DocumentKind:
    """What kind of policy it is, by its place or by what is in it."""
    folders = file.resolve().parent.parts
    if folders[-1] in _BY_FOLDER:
        return _BY_FOLDER[folders[-1]]
    if folders[-2:-1] and folders[-2] in _OF_ENTITIES:
        return DocumentKind.IDENTITY
    statements = list(_statements(document))
    if not any({"Principal", "NotPrincipal"} & one.keys() for one in statements):
        return DocumentKind.IDENTITY
    if is_trust_policy(document):
        return DocumentKind.TRUST
    actions = [ascii_lower(str(one)) for each in statements for one in _listed(each.get("Action"))]
    ours = all(one == "*" or one.startswith("kms:") for one in actions)
    return DocumentKind.KEY if ours else DocumentKind.RESOURCE


def _statements(document: str) -> Iterator[Mapping[str, Any]]:
    """The statements of a document, as far as it is one."""
    try:
        read = loads(document.encode())
    except NotStrictJson:
        return
    written = read.get("Statement") if isinstance(read, dict) else None
    yield from (one for one in _listed(written) if isinstance(one, dict))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
