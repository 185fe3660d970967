"""`make prove-luck` draws odd bytes, in every process: enough odd ones, and none twice."""

import json
import os
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LUCK = Path(__file__).parent / "luck"
DRAWN = """
import json, os, secrets, uuid
forked = os.fork()
made = [[secrets.token_urlsafe(24), uuid.uuid4().hex, os.urandom(17).hex()] for _ in range(400)]
if forked:
    os.waitpid(forked, 0)
print(json.dumps(made), flush=True)
os._exit(0)
"""
SIZES = """
import sitecustomize
for least, draw in sitecustomize.KINDS:
    for size in range(least, 70):
        assert len(draw(size)) == size, (least, size)
        assert draw(size) != draw(size) or size < 8, (least, size)
assert [len(sitecustomize.urandom(size)) for size in range(70)] == list(range(70))
"""


def printed(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(LUCK)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def drawn() -> list[Any]:
    """What a process and its fork drew: texts of base64, UUIDs, and bytes."""
    return [each for line in printed(DRAWN).splitlines() for each in json.loads(line)]


def test_odd_texts_are_many(drawn: list[Any]) -> None:
    """Letters alone, figures alone, a first `-`: each in some of a hundred draws or more."""
    texts, uuids, _ = zip(*drawn, strict=True)
    for odd in (str.isalpha, str.isdecimal, str.isupper, lambda text: text.startswith("-")):
        assert sum(map(odd, texts)) > 10
    assert sum(not set(text) & set(string.ascii_letters) for text in uuids) > 5


def test_nothing_is_drawn_twice(drawn: list[Any]) -> None:
    """Also by a process and its fork."""
    for kind in zip(*drawn, strict=True):
        assert len(set(kind)) == len(drawn) == 800


def test_every_kind_has_every_size() -> None:
    """Also of the sizes that are no multiple of what a character stands for."""
    assert printed(SIZES) == ""
