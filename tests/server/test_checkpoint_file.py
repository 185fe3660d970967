"""Checkpoints that are kept elsewhere show what the data directory alone could hide."""

import shutil
from pathlib import Path

from tests.conftest import Server, free_port


def test_a_log_that_was_cut_back_is_found_out(tmp_path: Path) -> None:
    """A log cut back to an older checkpoint verifies alone, and not against the ones kept apart."""
    kept = tmp_path / "kept.jsonl"
    settings = tmp_path / "keystead.toml"
    settings.write_text(f'checkpoint_file = "{kept}"\n')
    server = Server(tmp_path / "data", free_port())
    audit = server.data / "audit"

    server.start("--config", str(settings))
    server.client("kms").list_keys()
    assert server.stop() == 0
    before = {path: path.read_bytes() for path in audit.glob("*.jsonl")}
    server.start("--config", str(settings))
    server.client("kms").create_key()
    assert server.stop() == 0

    assert kept.read_bytes().count(b"\n") >= 2
    assert (audit / "checkpoints.jsonl").read_bytes().endswith(kept.read_bytes())
    assert server.keystead("audit", "verify", "--witness", str(kept)).returncode == 0
    for path, content in before.items():
        path.write_bytes(content)
    alone = Server(tmp_path / "alone", server.port)
    shutil.copytree(audit, alone.data / "audit")
    assert alone.keystead("audit", "verify").returncode == 0  # nothing in the files shows it
    assert alone.keystead("audit", "verify", "--witness", str(kept)).returncode == 1
    assert server.keystead("audit", "verify").returncode == 1  # the database knows a newer log
    assert server.keystead("audit", "verify", "--witness", str(kept)).returncode == 1
