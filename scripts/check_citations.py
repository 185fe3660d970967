"""Does every citation lead somewhere?  And does every path that a page names exist?

    iam.md 4.6, kms.md 8.4 and 10.3      numbered sections of that page, in docs/reference
    RK-5, HF-1 to HF-3, threat-model AU  requirements, or a family of them, of docs/threat-model.md
    threat-model 6                       a section of it
    docs/decisions/0008, decision 0008   a page there; a number has one page, and README.md lists it
    [text](page.md)                      a file, from the page that links to it
    `store/sqlite/turn.py`               in every page: a path from the root, or from src/keystead
    `wire/`, `tests/<room>`, `call.py`,  in ARCHITECTURE, SECURITY, CONTRIBUTING and README
    `custody.rows.SealedTable`

Read are comments, docstrings and pages. Nothing is looked for in other texts of the code.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from scripts import prose

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "scripts", "bench", "docs", ".ci")
SUFFIXES = {".py", ".md", ".sh", ".toml", ""}
NAMING_PATHS = ("ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "README.md")
PATH_SUFFIXES = (".py", ".md", ".sh", ".toml", ".in", ".lock")
ELSEWHERE = ("data/", ".venv/", "alias/", "text/", "application/")
"""What looks like a path and is none of the repository."""

_NUMBER = r"\d+(?:\.\d+)*"
_SECTIONS = re.compile(
    rf"(?<![\w/.-])(?:docs/)?(?:reference/)?([a-z][a-z-]*)\.md,?\s+(?:sections?\s+)?"
    rf"({_NUMBER}(?:(?:,|,?\s+and|,?\s+or|\s+to)\s+{_NUMBER}(?!\w)|[-\u2013]{_NUMBER})*)"
)
_HEADING = re.compile(rf"^##+ ({_NUMBER})\.? ", re.MULTILINE)
_FAMILY = re.compile(r"^### [\d.]+ .*\(([A-Z]{2})\)$", re.MULTILINE)
_DEFINING = re.compile(r"^## 3\..*^## 5\.", re.MULTILINE | re.DOTALL)
_REQUIREMENT = re.compile(r"(?:^(?:\d+\. |\| )?|\. )([A-Z]{1,2}-\d+) ", re.MULTILINE)
_ANY_REQUIREMENT = re.compile(r"threat-model\s+([A-Z]{1,3}-\d+)")
_WHOLE_FAMILY = re.compile(r"threat-model\s+([A-Z]{2})\b(?!-)")
_THREAT_SECTION = re.compile(rf"threat-model(?:\s+|\b[^.;)]*?\bsection\s+)({_NUMBER})")
_DECISION = re.compile(r"(?:docs/decisions/|\bdecisions?\s+)(\d{4})\b")
_DECISION_PAGE = re.compile(r"(\d{4})-[\w-]+\.md")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_DOTTED = re.compile(r"[a-z_]+(?:\.\w+)+")
_PATH = re.compile(r"[\w.<>*-]+(?:/[\w.<>*-]+)*/?")
_DRAWN = re.compile(r"(?<![\w/.:-])((?:[\w-]+/)+(?![\w.{/…])|[\w/]+\.py\b)")


@dataclass(frozen=True, slots=True)
class Cited:
    """What can be cited."""

    sections: dict[str, frozenset[str]]  # page -> numbers
    families: frozenset[str]
    requirements: frozenset[str]
    decisions: Counter[str]  # number -> pages


def cited(root: Path) -> Cited:
    """What the pages of a repository have."""
    model = (root / "docs" / "threat-model.md").read_text()
    pages = chain((root / "docs").glob("*.md"), (root / "docs" / "reference").glob("*.md"))
    return Cited(
        {page.stem: frozenset(_HEADING.findall(page.read_text())) for page in pages},
        frozenset(_FAMILY.findall(model)),
        frozenset(_REQUIREMENT.findall("".join(_DEFINING.findall(model)))),
        Counter(
            match[1]
            for page in (root / "docs" / "decisions").iterdir()
            if (match := _DECISION_PAGE.fullmatch(page.name))
        ),
    )


def check(root: Path) -> list[str]:
    """Each citation that leads nowhere, with its place."""
    there = cited(root)
    wrong = list(_decisions(root, there))
    for path in sorted(_files(root)):
        name = path.relative_to(root)
        for text in prose.of_file(path):
            for position, complaint in _complaints(root, path, text.text, there):
                wrong.append(f"{name}:{text.line_of(position)}: {complaint}")
    return wrong


def _files(root: Path) -> Iterator[Path]:
    """What is read: not what was made by tools, nor what is not ours."""
    yield from (path for path in root.iterdir() if path.suffix in SUFFIXES and path.is_file())
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            hidden = any(part in {"__pycache__", "node_modules"} for part in path.parts)
            if path.is_file() and path.suffix in SUFFIXES and not hidden:
                yield path


def _decisions(root: Path, there: Cited) -> Iterator[str]:
    """A number stands for one page, and the list has it."""
    listed = (root / "docs" / "decisions" / "README.md").read_text()
    for number, pages in sorted(there.decisions.items()):
        if pages > 1:
            yield f"docs/decisions: {pages} pages have the number {number}"
        if f"]({number}-" not in listed:
            yield f"docs/decisions/README.md: {number} is not listed"


Complaint = tuple[int, str]
"""Where in a text, and what."""


def _complaints(root: Path, path: Path, text: str, there: Cited) -> Iterator[Complaint]:
    yield from _of_sections(text, there)
    yield from _of_threats(text, there)
    for match in _DECISION.finditer(text):
        if match[1] not in there.decisions:
            yield match.start(), f"there is no page docs/decisions/{match[1]}"
    if path.suffix == ".md":
        for match in _LINK.finditer(_SPAN.sub(_blank, text)):
            if not (path.parent / match[1]).exists():
                yield match.start(), f"the link leads nowhere: {match[1]}"
        yield from _of_paths(root, text, every=path.parent == root and path.name in NAMING_PATHS)


def _of_sections(text: str, there: Cited) -> Iterator[Complaint]:
    for match in _SECTIONS.finditer(text):
        page, sections = match[1], there.sections.get(match[1])
        if sections is None:
            yield match.start(), f"{page}.md is no page of docs or docs/reference"
            continue
        for number in re.findall(_NUMBER, match[2]):
            if number not in sections:
                yield match.start(), f"{page}.md has no section {number}"


def _of_threats(text: str, there: Cited) -> Iterator[Complaint]:
    known = re.compile(rf"\b((?:{'|'.join(sorted(there.families))})-\d+|P-\d\d)(?!\d)")
    for match in chain(known.finditer(text), _ANY_REQUIREMENT.finditer(text)):
        if match[1] not in there.requirements:
            yield match.start(), f"the threat model has no {match[1]}"
    for match in _WHOLE_FAMILY.finditer(text):
        if match[1] not in there.families:
            yield match.start(), f"the threat model has no {match[1]}"
    for match in _THREAT_SECTION.finditer(text):
        if match[1] not in there.sections["threat-model"]:
            yield match.start(), f"the threat model has no section {match[1]}"


def _of_paths(root: Path, text: str, *, every: bool) -> Iterator[Complaint]:
    """The paths that a page names: between backquotes, and in what it draws.

    `every`: not only those that can be nothing else.
    """
    for fence in _FENCE.finditer(text) if every else ():
        for match in _DRAWN.finditer(fence[0]):
            if not _exists(root, match[1], anywhere="/" not in match[1].rstrip("/")):
                yield fence.start() + match.start(), f"there is no `{match[1]}`"
    for match in _SPAN.finditer(_FENCE.sub(_blank, text)):
        named = match[1]
        sure = named.endswith(".py") and "/" in named
        if (sure or every) and not _is_there(root, named):
            yield match.start(), f"there is no `{named}`"


def _is_there(root: Path, named: str) -> bool:
    """Whatever is neither a path nor dotted names is not ours to judge."""
    if _is_path(named):
        return _exists(root, named)
    return not _DOTTED.fullmatch(named) or _is_defined(root, named)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _is_path(text: str) -> bool:
    named = "/" in text or (text.endswith(PATH_SUFFIXES) and text not in PATH_SUFFIXES)
    return named and bool(_PATH.fullmatch(text)) and not text.startswith(ELSEWHERE)


def _exists(root: Path, name: str, *, anywhere: bool = False) -> bool:
    pattern = re.sub(r"<[^>]*>", "*", name).rstrip("/")
    source = root / "src" / "keystead"
    look: Callable[[str], Iterator[Path]] = source.rglob if anywhere else source.glob
    return any(chain(root.glob(pattern), look(pattern)))


def _is_defined(root: Path, name: str) -> bool:
    """Does a module of ours know these names?  What begins with no room of ours is not judged."""
    path, (first, *rest) = root / "src" / "keystead", name.split(".")
    while (path / first).is_dir() and rest:
        path, (first, *rest) = path / first, rest
    module = path / f"{first}.py"
    if not module.is_file():
        if path.name == "keystead":
            return True
        module, rest = path / "__init__.py", [first, *rest]
    known = set(re.findall(r"\w+", module.read_text()))
    return known.issuperset(rest)


def main() -> int:
    """Say what is wrong."""
    wrong = check(ROOT)
    for line in wrong:
        print(line)
    if wrong:
        print(f"{len(wrong)} citations lead nowhere: mend them, or the page that they cite")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
