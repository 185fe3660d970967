"""What is cited exists: `make check` finds each citation and each path that leads nowhere."""

from pathlib import Path

import pytest
from scripts.check_citations import check

PAGES = {
    "docs/reference/iam.md": "# IAM\n\n## 4. Language\n\n### 4.6 Resources\n\n### 4.7 Operators\n",
    "docs/threat-model.md": (
        "## 3. Promises\n| P-01 Durable | kept |\n"
        "### 4.16 Custody (RK)\n1. RK-1 Seals.\n2. RK-2 Keys.\n"
        "### 4.17 Randomness (RN)\nRN-1 The kernel. RN-2 Pairs.\n"
        "## 5. Not promised\n"
    ),
    "docs/decisions/README.md": "[0001](0001-one.md)\n",
    "docs/decisions/0001-one.md": "# 0001\n",
    "src/keystead/server/__init__.py": "from keystead.server.lobby import Lobby\n",
    "src/keystead/server/lobby.py": "class Lobby: ...\nclass Seat: ...\n",
    "src/keystead/call.py": "def ask(): ...\n",
    "tests/server/test_lobby.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository in which every citation leads somewhere."""
    for name, text in PAGES.items():
        write(tmp_path, name, text)
    assert check(tmp_path) == []
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("iam.md 4.6", "iam.md 4.8", "iam.md has no section 4.8"),
        ("iam.md 4.6, 4.7", "iam.md 4.6, 4.9", "iam.md has no section 4.9"),
        ("iam.md 4.6 and 4", "iam.md 4.6 and 5", "iam.md has no section 5"),
        ("iam.md 4.6-4.7", "iam.md 4.6-4.8", "iam.md has no section 4.8"),
        ("docs/reference/iam.md 4", "kms.md 4", "kms.md is no page of docs or docs/reference"),
        ("see iam.md\n4.7", "see iam.md\n4.8", "iam.md has no section 4.8"),
        ("RK-2", "RK-3", "the threat model has no RK-3"),
        ("RK-1 to RK-2", "RK-1 to RK-9", "the threat model has no RK-9"),
        ("RN-2", "RN-3", "the threat model has no RN-3"),
        ("P-01 and P-256", "P-02", "the threat model has no P-02"),
        ("threat-model RK", "threat-model XX", "the threat model has no XX"),
        ("threat-model RK-1", "threat-model XX-1", "the threat model has no XX-1"),
        ("threat-model 4.16", "threat-model 7", "the threat model has no section 7"),
        (
            "threat-model RK-1, section 5",
            "threat-model RK-1, section 6",
            "the threat model has no section 6",
        ),
        ("decision 0001", "decision 0002", "there is no page docs/decisions/0002"),
        ("docs/decisions/0001", "docs/decisions/0002", "there is no page docs/decisions/0002"),
    ],
)
@pytest.mark.parametrize("form", ['"""{}"""\n', 'def f():\n    """{}"""\n', "{}\n"])
def test_a_citation_leads_to_what_there_is(
    root: Path, good: str, bad: str, complaint: str, form: str
) -> None:
    """In a docstring, a function's, or a page; what is there may be cited, what is not is told."""
    name = "docs/page.md" if form == "{}\n" else "src/keystead/call.py"
    write(root, name, form.format(good))
    assert check(root) == []
    write(root, name, form.format(bad))
    (told,) = check(root)
    assert told.startswith(f"{name}:")
    assert told.endswith(complaint)


def test_comments_cite_too_also_over_two_lines(root: Path) -> None:
    """A citation that a line of comment breaks is one; a text of the code cites nothing."""
    write(root, "src/keystead/call.py", "x = 1  # (iam.md\n       # 4.8)\ny = 'iam.md 4.8'\n")
    assert check(root) == ["src/keystead/call.py:1: iam.md has no section 4.8"]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("`server/lobby.py`", "`server/gate.py`"),
        ("`src/keystead/server/`", "`src/keystead/client/`"),
        ("`call.py`: `authorize`", "`calls.py`: `authorize`"),
        ("`call.ask`, `json.dumps`", "`call.tell`"),
        ("`server.Lobby`", "`server.Gate`"),
        ("`server.lobby.Seat`", "`server.lobby.Chair`"),
        ("`tests/<room>`", "`checks/<room>`"),
        ("`server/l*.py`, `a/b c`, `data/x`", "`server/g*.py`"),
        ("[why](docs/decisions/0001-one.md#top)", "[why](docs/decisions/0001-two.md)"),
        ("[far](https://example.org/x.md)", "[far](example.md)"),
        ("```\n├── server/\n└── call.py\n```", "```\n├── servers/\n└── call.py\n```"),
        ("```\n──> server/lobby.py\n```", "```\n──> lobby/server.py\n```"),
    ],
)
def test_a_path_that_a_page_names_exists(root: Path, good: str, bad: str) -> None:
    """In text, in what is drawn, and behind a link."""
    write(root, "ARCHITECTURE.md", f"# Here\n\n{good}\n")
    assert check(root) == []
    write(root, "ARCHITECTURE.md", f"# Here\n\n{bad}\n")
    (told,) = check(root)
    assert told.startswith("ARCHITECTURE.md:")


def test_a_module_that_any_page_names_exists(root: Path) -> None:
    """Of other pages a path to a module is looked for, and nothing that may be something else."""
    write(
        root, "docs/page.md", "`server/lobby.py`, `calls.py`, `text/xml`, `server/`, `call.tell`\n"
    )
    assert check(root) == []
    write(root, "docs/page.md", "`server/gate.py`\n")
    assert check(root) == ["docs/page.md:1: there is no `server/gate.py`"]


def test_a_number_is_of_one_decision_that_is_listed(root: Path) -> None:
    """Two pages of one number, and a page that the list lacks, are told."""
    write(root, "docs/decisions/0001-other.md", "")
    assert check(root) == ["docs/decisions: 2 pages have the number 0001"]
    (root / "docs/decisions/0001-other.md").rename(root / "docs/decisions/0002-other.md")
    assert check(root) == ["docs/decisions/README.md: 0002 is not listed"]
