"""`keystead lint` says what is wrong with policies in files, where, and ends with a status."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead import cli
from tests.conftest import policy

ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
CLEAN = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "arn:aws:kms:*:*:key/a"}
WRONG = {**CLEAN, "Action": "kms:Encrpyt"}
KEY = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": ROOT}


class Files:
    """Files in a folder, and what the command says of them."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def write(self, name: str, text: str) -> str:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return str(place)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capture.readouterr()
        status = cli.run(["lint", *arguments])
        said = self._capture.readouterr()
        return status, said.out, said.err

    def data(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[1])


@pytest.fixture
def files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Files:
    return Files(tmp_path, capsys)


def test_what_is_wrong_and_where(files: Files) -> None:
    """The file, the line, the column, and ValidatePolicy's sentence; then the exit status is 1."""
    document = '{"Version": "2012-10-17",\n "Statement": {\n  "Effect": "Allow",\n'
    document += '  "Action": "kms:Encrpyt", "Resource": "*"}}'
    file = files.write("a.json", document)
    told = "The action kms:Encrpyt does not exist. Did you mean kms:Encrypt?"
    status, text, _ = files.run(file)
    assert status == 1
    assert text == f"{file}:4:13: error: {told} [INVALID_ACTION]\n1 policy: 1 found\n"
    status, text, _ = files.run(file, "--github")
    assert status == 1
    place = "line=4,endLine=4,col=13,endColumn=26"
    assert text == f"::error file={file},{place},title=INVALID_ACTION::{told}\n"
    found = files.data(file)
    assert found["found"] == 1
    [one] = found["policies"][0]["findings"]
    assert (one["type"], one["code"], one["line"], one["column"]) == (
        "ERROR",
        "INVALID_ACTION",
        4,
        13,
    )

    clean = files.write("b.json", policy(CLEAN))
    assert files.run(clean) == (0, "1 policy: nothing found\n", "")
    assert files.run(clean, "--github") == (0, "", "")


def test_a_folder_is_all_of_its_policies(files: Files) -> None:
    """Whatever is deep in it, once; hidden files and others than .json are not policies."""
    files.write("1/users/alice/own.json", policy(WRONG))
    files.write("1/users/alice/user.toml", "")
    files.write("b.json", policy(CLEAN))
    files.write(".git/c.json", policy(WRONG))
    found = files.data(str(files.folder), files.write("b.json", policy(CLEAN)))
    names = [Path(one["file"]).name for one in found["policies"]]
    assert names == ["own.json", "b.json"]
    assert found["found"] == 1


@pytest.mark.parametrize(
    ("name", "statement", "kind"),
    [
        ("users/alice/own.json", CLEAN, "identity-based policy"),
        ("groups/all/own.json", CLEAN, "identity-based policy"),
        ("managed/own.json", CLEAN, "identity-based policy"),
        ("keys/1234.json", KEY, "key policy"),
        ("scps/full.json", CLEAN, "service control policy"),
        ("rcps/full.json", {**KEY, "Effect": "Deny", "Principal": "*"}, "resource control policy"),
        ("a.json", CLEAN, "identity-based policy"),
        ("a.json", KEY, "key policy"),
        ("a.json", {**KEY, "Action": "s3:*"}, "resource-based policy"),
        ("a.json", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": ROOT},
         "role trust policy"),
    ],
)  # fmt: skip
def test_what_kind_it_is(files: Files, name: str, statement: Any, kind: str) -> None:
    """Its place tells it, where it has one in a folder of policies, else what is in it."""
    found = files.data(files.write(name, policy(statement)))
    assert [one["kind"] for one in found["policies"]] == [kind]


def test_the_kind_can_be_given(files: Files) -> None:
    """As a key policy, an identity policy lacks its principal."""
    file = files.write("a.json", policy(CLEAN))
    assert files.run(file)[0] == 0
    status, text, _ = files.run(file, "--type", "key")
    assert status == 1
    assert "MISSING_PRINCIPAL" in text


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [("error", 0), ("security-warning", 0), ("warning", 1), ("suggestion", 1)],
)
def test_how_bad_it_must_be(files: Files, fail_on: str, status: int) -> None:
    """A warning is printed, and changes the exit status only when asked to."""
    warned = {"Statement": [KEY]}  # no Version: the old language, which KMS takes
    file = files.write("keys/a.json", json.dumps(warned))
    ended, text, _ = files.run(file, "--fail-on", fail_on)
    assert "warning: " in text
    assert ended == status


def test_what_is_no_policy_is_an_error(files: Files) -> None:
    """Not JSON is a finding with its place; what cannot be read ends the command."""
    status, text, _ = files.run(files.write("a.json", "{\n]"))
    assert status == 1
    assert "a.json:2:1: error: " in text
    for name, said in (("none.json", "there is no such file"), ("empty", "there is no policy")):
        (files.folder / "empty").mkdir(exist_ok=True)
        status, text, error = files.run(str(files.folder / name))
        assert (status, text) == (2, "")
        assert said in error
    bad = files.folder / "bad.json"
    bad.write_bytes(b"\xff")
    assert "it is not a text file in UTF-8" in files.run(str(bad))[2]
    assert files.run()[0] == 2


def test_annotations_are_escaped(files: Files) -> None:
    """No policy and no file name can end its line, or write another annotation."""
    sly = {**CLEAN, "Action": "kms:X%\n::error::y"}
    file = files.write("a,b:c.json", policy(sly))
    _, text, _ = files.run(file, "--github")
    assert all(line.startswith(("::error file", "::warning file")) for line in text.splitlines())
    assert "a%2Cb%3Ac.json" in text
    assert "kms:X%25%0A::error::y" in text


def test_the_settings_of_an_installation(files: Files) -> None:
    """Where it accepts any condition key, lint does, and ARNs are those of its partition."""
    key = {"StringEquals": {"aws:SignInSessionArn": "a"}}
    file = files.write("a.json", policy({**CLEAN, "Condition": key}))
    assert files.run(file)[0] == 1
    config = files.folder / "keystead.toml"
    config.write_text("accept_unsupported_condition_keys = true")
    assert files.run(file, "--config", str(config))[0] == 0
