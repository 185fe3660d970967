"""`keystead audit export`: the log as files of CloudTrail, which CloudTrail's own tools accept."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.store.lock import DirectoryLock
from tests.cli.commanding import errors, keystead
from tests.conftest import Server, free_port
from tests.patience import PATIENCE
from tests.server.installations import REGION
from tests.trails.past import HOURS, hours, past
from tests.trails.s3 import bucket

HOSTILE = "a\x1b[31m\u202e/../../x\"},{'"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with three hours of records, the second without any."""
    directory = tmp_path_factory.mktemp("past") / "data"
    local = past(directory)
    hours(local, agent=HOSTILE)
    local.installation.close()
    return directory


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of these hours, made without a server."""
    directory = tmp_path_factory.mktemp("export") / "out"
    ran = keystead("audit", "export", "--data", data, "--cloudtrail", directory, "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["holds"], told["first"]) == (True, 0)
    assert told["digests"] >= 3
    return directory


@pytest.fixture(scope="module")
def serving(data: Path, out: Path) -> Iterator[Server]:
    """A server over the directory that was exported."""
    server = Server(data, free_port())
    server.start(region=REGION)
    yield server
    server.stop()


def content(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def records(directory: Path, account: str = "*", region: str = "*") -> list[dict[str, Any]]:
    found = []
    for path in sorted(directory.glob(f"AWSLogs/{account}/CloudTrail/{region}/*/*/*/*.json.gz")):
        found += json.loads(gzip.decompress(path.read_bytes()))["Records"]
    return found


def account_of(directory: Path) -> str:
    [account] = {path.name for path in (directory / "AWSLogs").iterdir()} - {"000000000000"}
    return account


def validate(server: Server, directory: Path, account: str) -> "subprocess.CompletedProcess[str]":
    """`aws cloudtrail validate-logs`, whose S3 is this directory."""
    start = datetime.now(UTC) - timedelta(hours=HOURS + 2)
    trail = f"arn:aws:cloudtrail:{REGION}:{account}:trail/keystead"
    with bucket(directory) as address:
        environment = {
            **server.environment(), "AWS_ENDPOINT_URL_S3": address, "AWS_DEFAULT_REGION": REGION,
        }  # fmt: skip
        return subprocess.run(
            ["aws", "cloudtrail", "validate-logs", "--verbose", "--region", REGION,
             "--trail-arn", trail, "--start-time", f"{start:%Y-%m-%dT%H:%M:%SZ}",
             "--s3-bucket", "keystead"],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


def test_the_aws_cli_validates(serving: Server, out: Path) -> None:
    """The whole command, with ListPublicKeys of this server: every digest and file is valid."""
    ran = validate(serving, out, account_of(out))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    digests = len(list(out.glob(f"AWSLogs/{account_of(out)}/CloudTrail-Digest/{REGION}/**/*.gz")))
    logs = len(list(out.glob(f"AWSLogs/{account_of(out)}/CloudTrail/{REGION}/**/*.gz")))
    assert digests == 2
    assert f"{digests}/{digests} digest files valid" in ran.stdout
    assert f"{logs}/{logs} log files valid" in ran.stdout


def test_the_aws_cli_looks_up(serving: Server, out: Path) -> None:
    """`lookup-events` finds what was exported, and `list-public-keys` the key of the digests."""

    def aws(*arguments: str) -> Any:
        ran = subprocess.run(
            ["aws", "cloudtrail", *arguments, "--region", REGION],
            env=serving.environment(), capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        return json.loads(ran.stdout)

    found = aws(
        "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=CreateUser"
    )["Events"]
    exported = [each for each in records(out) if each["eventName"] == "CreateUser"]
    assert [json.loads(each["CloudTrailEvent"]) for each in reversed(found)] == exported
    [key] = aws("list-public-keys")["PublicKeyList"]
    path = min(out.glob("AWSLogs/*/CloudTrail-Digest/**/*.gz"))
    digest = json.loads(gzip.decompress(path.read_bytes()))
    assert digest["digestPublicKeyFingerprint"] == key["Fingerprint"]


@pytest.mark.parametrize("kind", ["changed", "removed", "digest changed", "digest removed"])
def test_the_aws_cli_finds_what_was_changed(
    serving: Server, out: Path, tmp_path: Path, kind: str
) -> None:
    """A file or a digest that was changed or removed is named as invalid."""
    copy = shutil.copytree(out, tmp_path / "out")
    account, of = account_of(out), "-Digest" if "digest" in kind else ""
    path = min(copy.glob(f"AWSLogs/{account}/CloudTrail{of}/{REGION}/**/*.gz"))
    if kind.endswith("removed"):
        path.unlink()
    else:
        text = gzip.decompress(path.read_bytes()).replace(account.encode(), b"999999999999", 1)
        path.write_bytes(gzip.compress(text))
    ran = validate(serving, copy, account)
    assert ran.returncode == 1, ran.stdout
    assert "INVALID" in ran.stderr


def test_records(out: Path) -> None:
    """Each record of the log once, in CloudTrail's form, whatever callers sent."""
    account = account_of(out)
    ours = records(out, account)
    assert {record["recipientAccountId"] for record in ours} == {account}
    names = [record["eventName"] for record in ours]
    assert names.count("CreateUser") == 2
    assert names.count("DescribeKey") == 2
    [failed, _] = [record for record in ours if record["eventName"] == "DescribeKey"]
    assert failed["errorCode"] == "NotFoundException"
    assert failed["userAgent"] == HOSTILE
    assert failed["userIdentity"]["type"] == "IAMUser"
    assert failed["eventVersion"] == "1.11"
    assert failed["eventCategory"] == "Management"
    assert all("keystead" not in record for record in ours)
    everything = records(out)
    positions = [record["additionalEventData"]["keystead"]["index"] for record in everything]
    assert len(positions) == len(set(positions))
    text = b"".join(gzip.decompress(path.read_bytes()) for path in out.rglob("*.json.gz"))
    assert text.isascii()
    assert b"\x1b" not in text


def test_again(data: Path, out: Path, tmp_path: Path) -> None:
    """A second run adds nothing, and another directory gets the same bytes but for progress."""
    shutil.copytree(data, tmp_path / "data", ignore=shutil.ignore_patterns("control.sock"))
    before = content(out)
    for to in (out, tmp_path / "other"):
        ran = keystead("audit", "export", "--data", data, "--cloudtrail", to)
        assert ran.returncode == 0, ran.stderr
        assert content(to) == before


def test_one_account_and_a_time(data: Path, out: Path, tmp_path: Path) -> None:
    """`--account` and `--since` choose; a directory keeps its choice."""
    account, to = account_of(out), tmp_path / "out"
    newest = max(each["eventTime"] for each in records(out, account))
    since = f"{newest[:13]}:00:00Z"
    options = ("--data", data, "--cloudtrail", to, "--account", account, "--since", since)
    assert keystead("audit", "export", *options).returncode == 0
    assert {path.name for path in (to / "AWSLogs").iterdir()} == {account}
    some = records(to)
    assert some == [each for each in records(out, account) if each["eventTime"] >= since]
    assert 0 < len(some) < len(records(out, account))
    assert "another choice of `accounts`" in errors(
        "audit", "export", "--data", data, "--cloudtrail", to, "--since", since)[0]  # fmt: skip
    assert "12 digits" in errors("audit", "export", *options, "--account", "x")[1]


def test_a_changed_log_is_not_exported(data: Path, tmp_path: Path) -> None:
    """What follows a changed record stays where it is, and the command says which it is."""
    copy = tmp_path / "copy"
    shutil.copytree(data / "audit", copy / "audit")
    [path] = (copy / "audit").glob("records-*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"alias/none-2"' in line)
    lines[number] = lines[number].replace(b"none-2", b"none-3")
    path.write_bytes(b"".join(lines))
    shutil.copytree(data, tmp_path / "data", ignore=shutil.ignore_patterns("control.sock", "audit"))
    shutil.move(copy / "audit", tmp_path / "data" / "audit")
    to = tmp_path / "out"
    ran = keystead("audit", "export", "--data", tmp_path / "data", "--cloudtrail", to)
    assert ran.returncode == 1
    assert f"record {number}" in ran.stderr
    assert "what follows it was not exported" in ran.stderr
    names = [record["requestParameters"] for record in records(to)]
    assert not any("none-2" in str(name) or "none-3" in str(name) for name in names)


def test_one_export_at_a_time(data: Path, tmp_path: Path) -> None:
    """A second export into the same directory is refused while the first one writes."""
    to = tmp_path / "out"
    to.mkdir()
    held = DirectoryLock(to)
    options = ("audit", "export", "--data", data, "--cloudtrail", to)
    assert "another export writes" in errors(*options)[0]
    held.release()
    assert keystead(*options).returncode == 0


def test_a_log_of_another_key(serving: Server, data: Path, tmp_path: Path) -> None:
    """The running server says which key signs its log. One beside the log is not believed."""
    path = data / "audit" / "public-key.pem"
    whole = path.read_bytes()
    other = Ed25519PrivateKey.generate().public_key()
    path.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    try:
        ran = keystead("audit", "export", "--data", data, "--cloudtrail", tmp_path / "out")
    finally:
        path.write_bytes(whole)
    assert ran.returncode == 1
    assert "this is not the key that was given" in ran.stderr


def test_a_changed_file_is_not_written_over(data: Path, out: Path, tmp_path: Path) -> None:
    """If somebody changed a file of an interrupted export, the next run says so."""
    to = shutil.copytree(out, tmp_path / "out")
    (to / "keystead-export.json").unlink()
    path = min(to.glob("AWSLogs/*/CloudTrail/**/*.gz"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    options = ("audit", "export", "--data", data, "--cloudtrail", to)
    assert "has other content than the log" in errors(*options)[0]
    path.write_bytes(whole)
    assert keystead(*options).returncode == 0
    assert content(to) == content(out)
