"""The command line: what it refuses, in which words and with which exit status."""

import gc
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import click
import pytest

from keystead.cli import keystead as commands
from keystead.cli import run
from tests.cli.commanding import errors, keystead
from tests.conftest import BIN, Server
from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]


def test_version_and_help() -> None:
    """`version` names the version; without a command the help is printed, with status 2."""
    assert re.fullmatch(r"keystead [0-9.]+\n", keystead("version").stdout)
    assert keystead("--version").stdout == keystead("version").stdout
    assert "serve" in keystead("--help").stdout
    for arguments in ((), ("account",)):
        ran = subprocess.run([BIN / "keystead", *arguments], capture_output=True, check=False)
        assert ran.returncode == 2
        assert b"Usage: keystead" in ran.stdout
    assert keystead("account", "create", "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("srve",), "keystead: error: no such command `srve`"),
        (("serve", "--prot", "1"), "keystead: error: no such option `--prot`"),
        (("status", "x"), "keystead: error: got unexpected extra argument"),
        (("init", "--seal", "wax"), "keystead: error: invalid value for `--seal`"),
        (("init", "--account-id", "7"), "keystead: error: `7` is not an account id"),
        (
            ("audit", "show", "--last", "few"),
            "keystead: error: invalid value for `--last`: `few` is not a whole number",
        ),
        (("config", "show", "--config", "/"), "keystead: error: cannot read `/`: is a directory"),
        (
            ("serve", "--log-level", "loud"),
            "keystead: error: `log_level` in the command line must be",
        ),
    ],
)
def test_wrong_command_lines(arguments: tuple[str, ...], said: str) -> None:
    """A command line that is wrong has status 2 and says what is wrong with it."""
    ran = keystead(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith(said), ran.stderr


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(running: Server, stream: str) -> None:
    """Nothing that is opened later gets the number of a standard stream, and what it prints."""
    line = f'"{BIN / "keystead"}" account list --data "{running.data}" {stream}'
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ("ACTIVE" in ran.stdout) is (">&-" not in stream.replace("2>&-", ""))


def test_output_that_has_no_room(running: Server) -> None:
    """The hint is about the output."""
    line = f'"{BIN / "keystead"}" account list --data "{running.data}" > /dev/full'
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "no space left on device" in ran.stderr
    assert "what gets the output" in ran.stderr


def test_the_commands_are_in_order() -> None:
    """Of the alphabet, as a person looks for them."""
    names = commands.list_commands(click.Context(commands))
    assert names == sorted(names)


def test_what_is_not_there(running: Server, tmp_path: Path) -> None:
    """An unknown name has status 2 and a hint where names are; no installation has status 3."""
    for arguments, said, hint in (
        (("account", "suspend", "999988887777"), "there is no account", "keystead account list"),
        (("account", "reopen", "999988887777"), "there is no account", "keystead account list"),
        (("account", "root-access-key", "--account-id", "999988887777"),
         "there is no account", "keystead account list"),
        (("account", "create", "--email", "nobody"), "`nobody` is not an e-mail", "@example.com"),
        (("instance", "list", "--account-id", "9"), "there is no account", "keystead account list"),
        (("directory", "show", "none"), "there is no directory", "keystead directory list"),
        (("service", "deregister", "none"), "there is no service", "keystead service list"),
    ):  # fmt: skip
        ran = keystead(*arguments, "--data", running.data)
        assert ran.returncode == 2, arguments
        assert said in ran.stderr
        assert hint in ran.stderr
    none = tmp_path / "none"
    for command in (
        "audit show", "audit verify", "account list", "status", "reload",
        f"recover --recovery-key {tmp_path / 'key'}",
    ):  # fmt: skip
        assert keystead(*command.split(" "), "--data", none).returncode == 3, command
        assert not none.exists(), command


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--listen", "nowhere"), {}, "`listen`: `nowhere` is not an address"),
        (("--region", "moon"), {}, "`regions`: `moon` is not a Region"),
        (
            ("--listen", "0.0.0.0:1"),
            {},
            "plain HTTP on `0.0.0.0:1` would be readable on the network",
        ),
        (("--config", "/nowhere.toml"), {}, "cannot read `/nowhere.toml`"),
        ((), {"KEYSTEAD_DTA": "x"}, "unknown setting `KEYSTEAD_DTA` in the environment"),
        (("--tls-certificate", "c.pem"), {}, "TLS needs both a certificate and its key"),
    ],
)
def test_wrong_settings(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    """A wrong setting stops the start before anything is made, and a hint says what to do."""
    data = tmp_path / "data"
    lines = errors("serve", "--data", data, *arguments, **environment)
    assert lines[0].startswith(f"keystead: error: {said}")
    assert lines[1].startswith("keystead: hint: ")
    assert not data.exists()


def test_log_lines(tmp_path: Path) -> None:
    """Whatever `serve` says on standard error is a JSON line, the reason of its end included."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "other").write_text("")
    for form, is_json in (("auto", True), ("json", True), ("text", False)):
        ran = subprocess.run(
            [BIN / "keystead", "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"],
            env={**os.environ, "KEYSTEAD_LOG_FORMAT": form},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert ran.returncode == 2
        assert ran.stdout == ""
        said = ran.stderr.splitlines()
        assert all(line.startswith("{" if is_json else "keystead: ") for line in said)
        assert "is not empty and holds no whole installation" in ran.stderr


def test_errors_are_no_answers(tmp_path: Path) -> None:
    """A question that cannot be asked has status 2, also where 1 would be an answer."""
    (tmp_path / "seal.json").write_text("{")
    tmp_path.chmod(0o700)
    (tmp_path / "seal.json").chmod(0o600)
    questions: tuple[tuple[str, ...], ...] = (
        ("who-can", "kms:Decrypt", "*"), ("explain", "1eca401f-7ece-477a-a047-593756224f38"),
        ("audit", "verify"),
    )  # fmt: skip
    for question in questions:
        assert errors(*question, "--data", tmp_path)


def groups() -> "dict[str, set[str]]":
    """The commands, and the commands of each that is a group."""
    found = {}
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        found[name] = set(command.commands) if isinstance(command, click.Group) else set()
    return found


def test_commands_run_with_the_collector(capsys: pytest.CaptureFixture[str]) -> None:
    """Garbage is not looked for while a command is imported, but from then on."""
    gc.disable()  # as `keystead.__main__` does
    try:
        assert run(["version"]) == 0
        assert gc.isenabled()
    finally:
        gc.enable()
    assert capsys.readouterr().out.startswith("keystead ")


def test_help_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """No line of a list of commands ends with dots, in 80 columns."""
    for name, inner in {"": {""}, **groups()}.items():
        for arguments in ((name,), *((name, each) for each in inner)):
            assert run([*filter(None, arguments), "--help"]) == 0
            shown = capsys.readouterr().out
            assert shown.startswith(f"Usage: {' '.join(('keystead', *filter(None, arguments)))} ")
            assert not re.search(r"\w\.\.\.$", shown.split("Commands:")[-1], re.MULTILINE), shown


def test_documented_commands_exist() -> None:
    """Every command that a page names is one."""
    known, named = groups(), 0
    pages = {ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")}
    # These require what is not built yet, too.
    pages -= {ROOT / "docs" / "threat-model.md", *(ROOT / "docs" / "reference").rglob("*.md")}
    for page in sorted(pages):
        text = page.read_text()
        code = re.findall(r"`([^`]+)`", text) + re.findall(
            r"^(?:    |\$ )(.*)$", text, re.MULTILINE
        )
        for each in code:
            words = each.split()
            if words[:1] != ["keystead"] or words[1:] in ([], ["--version"]):
                continue
            command, *rest = words[1:]
            assert command in known, f"{page}: {each}"
            if known[command]:
                assert not rest or rest[0] in known[command], f"{page}: {each}"
            elif rest:  # what is given is no word that reads like a command of its own
                assert not re.fullmatch("[a-z]+", rest[0]), f"{page}: {each}"
            named += 1
    assert named > 20


def test_commands_without_an_installation(tmp_path: Path) -> None:
    """A command for an installation that is not there says so, with status 3."""
    for command in (("account", "create"), ("status",)):
        ran = keystead(*command, "--data", tmp_path / "none")
        assert ran.returncode == 3, ran.stderr
    assert not (tmp_path / "none").exists()


def test_closed_pipe() -> None:
    """A reader that goes away is no error worth a traceback."""
    ran = subprocess.run(
        ["bash", "-c", f"'{BIN}/keystead' config reference | true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stderr == ""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_signals_drain(own_server: Server, stop: signal.Signals) -> None:
    """A signal lets a request that has begun finish; then the process ends with status 0."""
    with socket.create_connection(("127.0.0.1", own_server.port), timeout=PATIENCE) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx")
        assert keystead("status", "--data", own_server.data).returncode == 0
        assert own_server.process is not None
        own_server.process.send_signal(stop)
        while keystead("status", "--data", own_server.data).returncode == 0:
            pass
        client.sendall(b"y")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>MissingAction</Code>" in answer or b"MissingAuthenticationToken" in answer
    assert own_server.process.wait(timeout=PATIENCE) == 0
    assert not (own_server.data / "control.sock").exists()
    own_server.process = None


def test_pages(running: Server) -> None:
    """The shipped server has its pages, and metrics on loopback."""
    page = subprocess.run(
        ["curl", "-s", f"{running.endpoint}/metrics"], capture_output=True, text=True, check=True
    ).stdout
    assert "keystead_ready 1.0" in page
    assert "keystead_policy_disagreements_total 0.0" in page


def test_config_show(tmp_path: Path) -> None:
    """`config show` prints what a start would use, in the form of the file that sets it."""
    file = tmp_path / "keystead.toml"
    file.write_text('regions = ["eu-central-1"]\n')
    shown = keystead("config", "show", "--config", file)
    again = tmp_path / "again.toml"
    again.write_text(shown.stdout)
    assert keystead("config", "show", "--config", again).stdout == shown.stdout
    assert 'regions = ["eu-central-1"]' in shown.stdout
    assert json.loads(keystead("config", "show", "--config", file, "--json").stdout)["regions"] == [
        "eu-central-1"
    ]


def wholly_signed(server: Server) -> int:
    """How many records a log has whose newest checkpoint covers them all; 0 if that is to come."""
    told = json.loads(keystead("audit", "verify", "--data", server.data, "--json").stdout)
    return int(told["records"]) if told["unsigned"] == 0 else 0


def test_audit_commands(running: Server, tmp_path: Path) -> None:
    """`show` prints a table or whole events; `verify` says yes, or names the record."""
    running.client("kms").create_key(Description="shown")
    table = keystead("audit", "show", "--data", running.data, "--event", "CreateKey").stdout
    assert table.splitlines()[0].split() == [
        "time", "event", "user", "outcome", "resource", "source", "ip", "request", "id",
    ]  # fmt: skip
    assert "user/admin" in table
    events = keystead("audit", "show", "--data", running.data, "--json", "--last", "1").stdout
    assert json.loads(events)["eventName"] == "CreateKey"
    assert "complete and unchanged" in keystead("audit", "verify", "--data", running.data).stdout
    assert json.loads(keystead("audit", "verify", "--data", running.data, "--json").stdout)["holds"]
    beyond = errors("audit", "verify", "--data", running.data, "--from", "10000000", "--json")
    assert "there is nothing to verify from 10000000 on" in beyond[0]
    wait_until(lambda: wholly_signed(running))
    end = wholly_signed(running)
    nothing = keystead("audit", "verify", "--data", running.data, "--from", end)
    assert (nothing.returncode, nothing.stdout.split()[1:5]) == (
        0,
        ["there", "is", "nothing", "to"],
    )

    witness = tmp_path / "witness"
    witness.write_text("no line")
    without = errors("audit", "verify", "--data", running.data, "--witness", witness)
    assert without[0].endswith("holds no checkpoint")

    copy = tmp_path / "copy"
    shutil.copytree(running.data / "audit", copy / "audit")
    [records] = (copy / "audit").glob("records-*.jsonl")
    records.write_bytes(
        records.read_bytes().replace(b'"eventName":"CreateKey"', b'"eventName":"ListKeyss"')
    )
    broken = keystead("audit", "verify", "--data", copy)
    assert broken.returncode == 1
    assert "record " in broken.stderr
    assert "ListKeyss" in broken.stderr
    assert (
        keystead("audit", "archive", "--data", running.data, "--to", tmp_path / "to").returncode
        == 0
    )
    assert not (tmp_path / "to").exists()  # nothing is finished yet
    none = keystead("audit", "verify", "--data", tmp_path / "none")
    assert "holds no audit log" in none.stderr
    assert "`later` is not a time" in errors("audit", "show", "--data", copy, "--since", "later")[0]
