"""On a full disk the server says that it cannot serve, and goes on by itself when there is room."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.conftest import Server, free_port, refused
from tests.durability.failing_server import FULL
from tests.patience import PATIENCE, wait_until


def page(server: Server, path: str) -> tuple[int, str]:
    """The status and the text of a page."""
    try:
        with urllib.request.urlopen(f"{server.endpoint}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_full_disk(tmp_path: Path) -> None:
    """Pages, metric, status and log tell of it and name the disk; room ends it, unasked."""
    order = tmp_path / "order"
    program = (sys.executable, "-m", "tests.durability.failing_server", str(order))
    server = Server(tmp_path / "data", free_port(), program)
    server.start()
    iam = server.client("iam")
    assert page(server, "/readyz") == (200, "up\n")
    full = order.with_suffix(".new")
    full.write_text(FULL)
    full.rename(order)  # the server never finds a part of it

    with refused("ServiceUnavailable"):
        iam.create_user(UserName="a")
    with refused("ServiceUnavailable"):
        iam.list_users()
    assert page(server, "/readyz") == (503, "down\n")
    assert page(server, "/healthz") == (200, "up\n")
    assert "keystead_ready 0.0" in page(server, "/metrics")[1]
    status = server.keystead("status", "--json")
    assert status.returncode == 1
    told = json.loads(status.stdout)
    assert told["condition"] == "down"
    assert str(server.data) in told["trouble"]
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert any(str(server.data) in line.get("reason", "") for line in lines)

    order.unlink()
    wait_until(lambda: page(server, "/readyz")[0] == 200)  # nobody calls
    iam.create_user(UserName="b")
    assert server.keystead("status").returncode == 0
    assert "changes can be stored again" in server.log()
    assert server.keystead("audit", "verify").returncode == 0
    assert server.stop() == 0
