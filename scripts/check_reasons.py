"""Does each comment that silences a tool say why?

    x = eval(text)  # noqa: S307  # the text is ours
    x = y  # type: ignore[assignment]  # seen by tests only

Ruff finds those that silence more than they name, and those that silence nothing.
"""

import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "scripts", "bench")
_SILENCING = re.compile(
    r"#\s*(?:(?:ruff:|flake8:)?\s*noqa\b(?::\s*[A-Z]+\d+(?:[,\s]\s*[A-Z]+\d+)*)?"
    r"|type:\s*ignore\b(?:\[[^\]]*\])?|mypy:\s*[\w-]+(?:=\S+)?)"
)
_FORMAT = re.compile(r"#\s*fmt:\s*\w+")
_WORDS = re.compile(r"[^\W\d_]{2}")


def check(root: Path) -> list[str]:
    """One line for each comment that silences a tool and gives no reason."""
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    return [
        f"{path.relative_to(root)}:{line}: `{comment}` gives no reason"
        for path in paths
        for line, comment in comments(path)
        if lacks_reason(comment)
    ]


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Each comment of a file, and its line."""
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def lacks_reason(comment: str) -> bool:
    """Does it silence a tool, and say nothing else?"""
    rest, silencing = _SILENCING.subn("", comment)
    return silencing > 0 and _WORDS.search(_FORMAT.sub("", rest)) is None


def main() -> int:
    complaints = check(ROOT)
    for complaint in complaints:
        print(f"keystead: error: {complaint}", file=sys.stderr)
    if complaints:
        print("keystead: hint: write it behind: `# noqa: S608  # our own names`", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
