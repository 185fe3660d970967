"""Ansible's modules for keys: made, the same again without a change, told, changed and deleted.

`make prove-ansible` fetches Ansible, which is large, and runs this.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import not_tried
from tests.conftest import REGION, Server, create_user

HERE = Path(__file__).parent / "ansible"
LIBRARY = Path(sys.prefix) / "ansible"
MISSING = not_tried(
    "its modules for keys were", "Ansible is not installed (`make prove-ansible` does it)"
)


@pytest.mark.skipif(not LIBRARY.is_dir(), reason=MISSING)
def test_keys(server: Server, tmp_path: Path) -> None:
    """The playbook runs to its end, and each of its assertions holds."""
    create_user(server, "ansible-worker")
    worker = server.client("iam").get_user(UserName="ansible-worker")["User"]["Arn"]
    account = server.client("sts").get_caller_identity()["Account"]
    variables = {
        "endpoint": server.endpoint, "region": REGION, "grantee": worker,
        "account": f"arn:aws:iam::{account}:root",
        "access_key": server.admin.access_key_id, "secret_key": server.admin.secret,
        "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    ran = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,",
         "-e", f"@{tmp_path / 'variables.json'}", HERE / "keys.yml"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANSIBLE_"))},
            "PYTHONPATH": str(LIBRARY), "HOME": str(tmp_path),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
        },
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert "failed=0" in ran.stdout
