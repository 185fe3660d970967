"""The command line, as a person sees it: results, messages, exit statuses, never a traceback."""

import gc
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import click
import pytest

from keystead.cli import keystead as commands
from keystead.cli import run
from tests import nursery
from tests.conftest import BIN, REGION, Credentials, Server, free_port, refused
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DIGITS = re.compile(r"[0-9]{12}")


def keystead(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command and hold it to what holds for all of them."""
    ran = nursery.run(*arguments, **environment)
    assert "Traceback" not in ran.stdout + ran.stderr
    ran.stderr = as_text(ran.stderr)
    if ran.returncode == 2:
        assert "keystead: error: " in ran.stderr
    return ran


def as_text(said: str) -> str:
    """What was said on standard error, lines of the log as a terminal shows them."""
    return "".join(map(_line_as_text, said.splitlines()))


def _line_as_text(line: str) -> str:
    if not line.startswith("{"):
        return f"{line}\n"
    found = json.loads(line)
    level = "" if found["level"] == "info" else f"{found['level']}: "
    hint = f"keystead: hint: {found['hint']}\n" if "hint" in found else ""
    return f"keystead: {level}{found['message']}\n{hint}"


def errors(*arguments: object, **environment: str) -> list[str]:
    """What a failing command says."""
    ran = keystead(*arguments, **environment)
    assert ran.returncode == 2, ran.stdout
    assert ran.stdout == ""
    return [
        line
        for line in ran.stderr.splitlines()
        if line.startswith(("keystead: error: ", "keystead: hint: "))
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that these commands may change."""
    server = Server(tmp_path_factory.mktemp("commands") / "data", free_port())
    server.start()
    yield server
    assert server.stop() == 0


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


def test_init(tmp_path: Path) -> None:
    """`init` makes an installation with the choices that were given, and only once."""
    data = tmp_path / "data"
    arguments = ("init", "--data", data, "--json")
    ran = keystead(*arguments, "--account-id", "111122223333", "--email", "root@example.com")
    assert json.loads(ran.stdout) == {
        "AccountId": "111122223333",
        "Email": "root@example.com",
        "UserName": "admin",
        "DataDirectory": str(data),
    }
    assert {p.name for p in data.iterdir()} >= {"seal.json", "root.key", "recovery-key.txt", "aws"}
    assert errors(*arguments)[0] == f"keystead: error: `{data}` is initialised already"
    status = keystead("status", "--data", data)
    assert (status.returncode, status.stdout) == (3, "condition  stopped\n")


def test_recover(own_server: Server, tmp_path: Path) -> None:
    """A copy without the daily key serves again with the recovery key, and with no other."""
    key = own_server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert own_server.stop() == 0
    data, kept = own_server.data, tmp_path / "kept"
    kept.mkdir(mode=0o700)
    (data / "recovery-key.txt").rename(kept / "recovery-key.txt")
    (data / "root.key").unlink()
    (kept / "other.txt").write_text("A" * 20)
    (kept / "other.txt").chmod(0o600)
    missing = errors("serve", "--data", data, "--listen", "127.0.0.1:0")
    assert "root.key" in missing[0]
    assert "keystead recover --data DIR --recovery-key FILE" in missing[1]
    assert (
        "characters" in errors("recover", "--data", data, "--recovery-key", kept / "other.txt")[0]
    )
    assert not (data / "root.key").exists()

    ran = keystead("recover", "--data", data, "--recovery-key", kept / "recovery-key.txt")

    assert ran.returncode == 0, ran.stderr
    own_server.start()
    assert own_server.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Enabled"]
    shown = keystead("audit", "show", "--data", data, "--event", "Recover")
    assert shown.stdout.count("Recover") == 1


def test_clock_acknowledge(running: Server) -> None:
    """The operator's word on the clock goes to the running server, and into the log."""
    before = keystead("status", "--data", running.data, "--json")
    assert json.loads(before.stdout)["clock"] == "believed"
    ran = keystead("clock", "acknowledge", "--data", running.data, "--json")
    assert json.loads(ran.stdout)["formerHoldSeconds"] == "0"
    shown = keystead("audit", "show", "--data", running.data, "--event", "AcknowledgeClock")
    assert "AcknowledgeClock" in shown.stdout


def test_first_start_says_what_it_made(own_server: Server) -> None:
    """The first start says once where everything is; the second start only where it listens."""
    first = own_server.log()
    assert DIGITS.search(first)
    for name in ("root-password.txt", "recovery-key.txt", "aws/credentials", "AWS_PROFILE=admin"):
        assert name in first
    assert own_server.admin.secret not in first
    password = (own_server.data / "root-password.txt").read_text().strip()
    assert password
    assert password not in first
    assert own_server.stop() == 0
    own_server.start()
    second = own_server.log()[len(first) :]
    assert "listening on" in second
    assert "root-password.txt" not in second


def test_data_path_with_blanks(tmp_path: Path) -> None:
    """Every command takes a path with blanks, and what is printed to be typed quotes it."""
    server = Server(tmp_path / "my own data", free_port())
    server.start()
    assert server.keystead("status").returncode == 0
    [line] = [line for line in server.log().splitlines() if line.startswith("  export ")]
    shown = subprocess.run(
        ["bash", "-c", f'{line}; cat "$AWS_CONFIG_FILE" "$AWS_SHARED_CREDENTIALS_FILE"'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert server.endpoint in shown.stdout
    assert server.admin.secret in shown.stdout
    assert server.stop() == 0
    server.data.chmod(0o755)
    hint = errors("serve", "--data", server.data)[-1]
    subprocess.run(["bash", "-c", hint.removeprefix("keystead: hint: ")], check=True)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_profile_follows_the_address(own_server: Server) -> None:
    """`aws/config` has the address of this start; profiles that a person added stay."""
    config = own_server.data / "aws" / "config"
    config.write_text(config.read_text() + "\n[profile alice]\nendpoint_url = http://mine\n")
    own_server.stop()
    own_server.port = free_port()
    own_server.start()
    text = config.read_text()
    assert f"[profile admin]\nregion = {REGION}\nendpoint_url = {own_server.endpoint}\n" in text
    assert "[profile alice]\nendpoint_url = http://mine\n" in text
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_one_process_for_a_directory(running: Server) -> None:
    """A second server on the same directory is refused, and told who holds it."""
    lines = errors("serve", "--data", running.data, "--listen", "127.0.0.1:0")
    assert "is in use by another keystead (process" in lines[0]
    assert running.client("sts").get_caller_identity()


def test_port_in_use(running: Server, tmp_path: Path) -> None:
    """A port that is taken is named, and nothing was made: the next start is the first."""
    data = tmp_path / "data"
    lines = errors("serve", "--data", data, "--listen", f"127.0.0.1:{running.port}")
    assert lines[-2].startswith(f"keystead: error: cannot listen on `127.0.0.1:{running.port}`")
    assert [path.name for path in data.iterdir()] == ["lock"]
    server = Server(data, free_port())
    server.start()
    assert "recovery-key.txt" in server.log()
    assert server.stop() == 0


def test_directory_of_others(tmp_path: Path) -> None:
    """A directory that others may look into, or that is a file, is refused."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode in (0o777, 0o755, 0o710):
        shared.chmod(mode)
        assert errors("init", "--data", shared) == [
            f"keystead: error: `{shared}` is accessible to others (mode {mode:04o})",
            f"keystead: hint: chmod 700 {shlex.quote(str(shared))}",
        ]
    file = tmp_path / "file"
    file.write_text("")
    assert f"`{file}`" in errors("init", "--data", file)[0]


def test_passphrase(tmp_path: Path) -> None:
    """An installation under a passphrase opens with it, and with nothing else."""
    data, secret, wrong = tmp_path / "data", tmp_path / "secret", tmp_path / "wrong"
    for file, text in ((secret, "correct horse battery staple\n"), (wrong, "incorrect horses\n")):
        file.write_text(text)
        file.chmod(0o600)
    init = ("init", "--data", data, "--seal", "passphrase", "--passphrase-memory", "256")
    assert "no passphrase is given" in errors(*init)[0]
    assert keystead(*init, "--passphrase-file", secret).returncode == 0
    assert not (data / "root.key").exists()

    create = ("account", "root-access-key", "--data", data, "--json")
    assert "is sealed by a passphrase" in errors(*create)[0]
    assert "does not open the seal" in errors(*create, "--passphrase-file", wrong)[0]
    secret.chmod(0o644)
    assert "accessible to others (mode 0644)" in errors(*create, "--passphrase-file", secret)[0]
    secret.chmod(0o600)
    made = keystead(*create, "--passphrase-file", secret)
    assert json.loads(made.stdout)["AccessKeyId"]
    assert "opening the root key with the passphrase: this takes 256 MiB of memory" in made.stderr

    verify = ("audit", "verify", "--data", data)
    assert "(name its file with --passphrase-file" in keystead(*verify).stdout
    assert "rows of 1 account are" in keystead(*verify, "--passphrase-file", secret).stdout


def test_status_while_it_runs(running: Server) -> None:
    """`status` asks the server."""
    ran = keystead("status", "--data", running.data, "--json")
    assert ran.returncode == 0
    found = json.loads(ran.stdout)
    assert found["condition"] == "up"
    assert found["regions"] == [REGION]
    assert len(found["accounts"]) >= 1
    assert "condition" in keystead("status", "--data", running.data).stdout


def identity(server: Server, printed: str) -> str:
    """Who an access key that a command printed belongs to."""
    made = json.loads(printed)
    sts = boto3.client(
        "sts", region_name=REGION, endpoint_url=server.endpoint,
        aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"],
    )  # fmt: skip
    arn = sts.get_caller_identity()["Arn"]
    assert arn == f"arn:aws:iam::{made['AccountId']}:root"
    return str(made["AccountId"])


def test_accounts_while_it_runs(running: Server) -> None:
    """A further account is made while the server runs; its root's key works at once."""
    made = keystead("account", "create", "--data", running.data, "--json")
    number = identity(running, made.stdout)
    more = ("account", "root-access-key", "--data", running.data, "--account-id", number, "--json")
    assert identity(running, keystead(*more).stdout) == number
    assert errors(*more)[0] == (
        f"keystead: error: the root of account `{number}` has two access keys already"
    )
    assert "several accounts" in errors("account", "root-access-key", "--data", running.data)[0]
    again = ("account", "create", "--data", running.data, "--account-id", number)
    assert errors(*again, "--email", "other@example.com")[0] == (
        f"keystead: error: the account `{number}` exists already"
    )


def test_an_account_is_suspended(running: Server) -> None:
    """Its very next request is refused; reopened, it works as before. The log tells of both."""
    made = json.loads(keystead("account", "create", "--data", running.data, "--json").stdout)
    number, key = made["AccountId"], Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    kms = running.client("kms", key)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    suspended = keystead("account", "suspend", number, "--data", running.data, "--json")
    assert json.loads(suspended.stdout) == {"AccountId": number, "State": "SUSPENDED"}
    with refused("UnrecognizedClientException"):
        kms.describe_key(KeyId=arn)
    listed = keystead("account", "list", "--data", running.data).stdout.splitlines()
    assert listed[0].split() == ["account", "state", "organization", "email"]
    assert [number, "SUSPENDED", made["Email"]] in [line.split() for line in listed]
    assert errors("account", "suspend", number, "--data", running.data) == [
        f"keystead: error: the account `{number}` is suspended already",
        "keystead: hint: see `keystead account list`",
    ]
    assert keystead("account", "reopen", number, "--data", running.data).returncode == 0
    assert kms.describe_key(KeyId=arn)
    shown = keystead("audit", "show", "--data", running.data, "--last", "40").stdout
    assert shown.index("SuspendAccount") < shown.index("ReopenAccount")


def test_accounts_while_it_does_not_run(own_server: Server) -> None:
    """The same ceremony without a server; the account is there when it starts."""
    own_server.stop()
    made = keystead("account", "create", "--data", own_server.data, "--json")
    own_server.start()
    identity(own_server, made.stdout)


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
