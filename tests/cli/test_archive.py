"""`keystead audit archive`: with a server and without one, and both places verify afterwards."""

import json
from pathlib import Path

from tests.cli.commanding import keystead
from tests.conftest import Server, free_port
from tests.server.installations import REGION, open_local

CALLS = 24


def finished_files(data: Path) -> None:
    """An installation whose log has several finished files."""
    local = open_local(data)
    local.installation.trail._segment_bytes = 4000
    for _ in range(CALLS):
        assert local.kms("ListKeys").status == 200
    local.installation.close()


def test_archive(tmp_path: Path) -> None:
    """Finished files go, the log says so, and log, archive and both together are proved."""
    data, to = tmp_path / "data", tmp_path / "my archive"
    finished_files(data)
    before = len(list((data / "audit").glob("records-*.jsonl")))
    assert before > 4
    server = Server(data, free_port())
    server.start("--region", REGION)

    ran = keystead("audit", "archive", "--data", data, "--to", to, "--keep", 2, "--json")
    first = json.loads(ran.stdout)
    assert first["files"] > 0
    assert first["archivedBytes"] < first["bytes"]
    shown = keystead("audit", "show", "--data", data, "--event", "ArchiveAuditLog", "--json")
    assert json.loads(shown.stdout)["serviceEventDetails"] == {"before": str(first["before"])}
    assert server.client("kms").list_keys()
    assert keystead("audit", "verify", "--data", data).returncode == 0
    assert server.stop() == 0

    again = json.loads(keystead("audit", "archive", "--data", data, "--to", to, "--json").stdout)
    assert again["before"] > first["before"]
    verify = ("audit", "verify", "--json", "--data")
    both = json.loads(keystead(*verify, data, "--archive", to).stdout)
    assert (both["holds"], both["first"]) == (True, 0)
    alone = json.loads(keystead(*verify, tmp_path / "none", "--archive", to).stdout)
    assert (alone["holds"], alone["first"], alone["records"]) == (True, 0, again["before"])
    rest = json.loads(keystead(*verify, data).stdout)
    assert (rest["holds"], rest["first"]) == (True, again["before"])

    min(to.glob("records-*.jsonl.gz")).unlink()
    partial = keystead("audit", "verify", "--data", data, "--archive", to)
    assert partial.returncode == 0  # what is left of an archive verifies from where it begins
    max((data / "audit").glob("records-*.jsonl")).unlink()
    assert keystead("audit", "verify", "--data", data).returncode == 1
    assert (
        "holds no audit log"
        in keystead("audit", "archive", "--data", tmp_path / "none", "--to", to).stderr
    )
