"""What must not compile does not: mypy refuses exactly the marked lines."""

import re
import sys
from pathlib import Path

from mypy import api as mypy

HERE = Path(__file__).parent / "typing" / "must_not_compile.py"


def test_mypy_refuses_what_it_must(tmp_path: Path) -> None:
    """A key is not a permit, and an operation's question and answer are its own."""
    expected = {
        (number, found[1])
        for number, line in enumerate(HERE.read_text().splitlines(), 1)
        if (found := re.search(r"# expect: ([a-z-]+)", line))
    }
    output, errors, _ = mypy.run(
        ["--strict", "--python-executable", sys.executable, "--cache-dir", str(tmp_path),
         "--no-error-summary", str(HERE)]
    )  # fmt: skip
    refused = {
        (int(found[1]), found[2])
        for found in re.finditer(r"must_not_compile\.py:(\d+): error: .*\[([a-z-]+)\]", output)
    }
    assert not errors
    assert refused == expected, output
