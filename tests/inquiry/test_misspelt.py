"""A typing error in a question is an error: it never answers "may not"."""

import json
from typing import Any

import pytest

from tests.conftest import Server
from tests.inquiry.test_simulate import Folder, expectation, folder

__all__ = ["folder"]

ACTION = "there is no action `kms:Encrpyt`: did you mean kms:Encrypt?"
KEY = "there is no condition key `aws:SorceIp`: did you mean aws:SourceIp?"


@pytest.mark.parametrize(
    ("more", "words"),
    [({"action": "kms:Encrpyt"}, ACTION), ({"context": {"aws:SorceIp": "192.0.2.1"}}, KEY)],
)
def test_an_expectation(folder: Folder, more: dict[str, Any], words: str) -> None:
    """Which would hold whatever the policies say."""
    folder.expect(expectation(**more, expect="Denied"))
    folder.wrong("expectation 1 `one`", words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("kms:Encrpyt", "*"), ACTION),
        (("kms:Encrypt", "*", "--context", "aws:SorceIp=192.0.2.1"), KEY),
        (("kms:Encrypt", "*", "--without", "aws:SorceIp"), KEY),
    ],
)
def test_who_can(server: Server, arguments: tuple[str, ...], words: str) -> None:
    """Which would list nobody."""
    ran = server.keystead("who-can", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr


@pytest.mark.parametrize(
    ("action", "more", "words"),
    [
        ("kms:Encrpyt", (), ACTION),
        ("kms:*", (), "`kms:*` is not an action"),
        ("kms:Encrypt", ("--context", "aws:SorceIp=192.0.2.1"), KEY),
    ],
)
def test_explain(server: Server, action: str, more: tuple[str, ...], words: str) -> None:
    """Which would advise to allow what there is not."""
    root = json.loads(server.keystead("who-can", "kms:CreateKey", "*", "--json").stdout)
    question = ("--principal", root["principals"][0]["principal"], "--action", action)
    ran = server.keystead("explain", *question, "--resource", "*", *more)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr
