"""The command line: an installation from its beginning, and one that runs."""

import json
import re
import shlex
import stat
import subprocess
from pathlib import Path

import boto3

from tests.cli.commanding import errors, keystead
from tests.conftest import REGION, Credentials, Server, free_port, refused

DIGITS = re.compile(r"[0-9]{12}")


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
    assert json.loads(ran.stdout)["formerHoldSeconds"] == 0
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
