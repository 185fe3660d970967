"""What others see of a running server's files and memory."""

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from keystead.server.installation import process
from tests.conftest import Server, free_port

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux only")


def open_to_others(directory: Path) -> list[str]:
    """The files and directories in which others than the owner may do anything."""
    return [
        str(path.relative_to(directory))
        for path in [directory, *directory.rglob("*")]
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


def test_files_are_ours_alone(tmp_path: Path) -> None:
    """Whatever the umask of who starts it, no file of the data directory is open to others."""
    server, before = Server(tmp_path / "data", free_port()), os.umask(0)
    try:
        server.start()
    finally:
        os.umask(before)
    try:
        server.client("kms").create_key()
        assert open_to_others(server.data) == []
        assert len(list(server.data.rglob("*"))) > 10
        assert server.process is not None
        status = Path(f"/proc/{server.process.pid}/status")
        if status.exists():  # and whatever a library makes
            assert "\nUmask:\t0077\n" in status.read_text()
    finally:
        server.kill()


@LINUX
@pytest.mark.parametrize("allowed", [True, False])
def test_memory_is_locked_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    """With a finite limit and without the capability nothing is locked, and it says why."""
    locked: list[int] = []

    class Libc:
        def mlockall(self, flags: int) -> int:
            locked.append(flags)
            return 0

    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: Libc())
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8 << 20, 8 << 20))
    capabilities = {"CapEff": int(allowed) << 14, "VmLck": 0}
    monkeypatch.setattr(process, "_of_status", lambda name, _: capabilities[name])

    why_not = process.lock_memory()

    assert (why_not == "") is allowed
    assert locked == ([7] if allowed else [])


@LINUX
def test_status_tells_whether_memory_is_locked(own_server: Server) -> None:
    """`keystead status` says what the system says of the server's memory."""
    assert own_server.process is not None
    text = Path(f"/proc/{own_server.process.pid}/status").read_text()
    locked = int(text.split("VmLck:")[1].split()[0]) > 0
    told = json.loads(own_server.keystead("status", "--json").stdout)
    assert told["memoryLocked"] is locked
    assert ("may reach swap" in own_server.log()) is not locked
