"""The AWS SDK for JavaScript v3 parses our answers and our refusals."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.components import needs_node
from tests.conftest import REGION, Server

pytestmark = needs_node("the JavaScript SDK was")


@pytest.fixture(scope="module")
def session(server: Server, js: Path) -> dict[str, Any]:
    """What the JavaScript session printed."""
    ran = subprocess.run(
        ["node", "session.mjs"],
        cwd=js, capture_output=True, text=True, check=False, timeout=120,
        env={
            "PATH": os.environ["PATH"], "AWS_REGION": REGION, "KEYSTEAD_ENDPOINT": server.endpoint,
            "AWS_ACCESS_KEY_ID": server.admin.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.admin.secret,
        },
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_answers_are_parsed(session: dict[str, Any]) -> None:
    """Blobs, dates, lists and nested structures of three services arrive as the SDK's types."""
    assert session["plaintext"] == "hello"
    assert session["dataKeyLength"] == 32
    assert session["created"] is session["userCreated"] is session["listed"] is True
    assert session["keyArn"].startswith(f"arn:aws:kms:{REGION}:{session['account']}:key/")
    assert session["userArn"] == f"arn:aws:iam::{session['account']}:user/javascript"


def test_refusals_are_parsed(session: dict[str, Any]) -> None:
    """Errors of both protocols arrive under the names that programs catch."""
    assert session["otherContext"]["name"] == "InvalidCiphertextException"
    assert session["noSuchKey"]["name"] == "NotFoundException"
    assert "does not exist" in session["noSuchKey"]["message"]
    assert session["noSuchUser"]["name"] in {"NoSuchEntity", "NoSuchEntityException"}
    assert session["noSuchUser"]["status"] == 404


def test_sessions_are_begun(session: dict[str, Any]) -> None:
    """Credentials of AssumeRole, GetSessionToken and GetFederationToken are used as they come."""
    account = session["account"]
    assert session["sessions"] == {
        "role": {"arn": f"arn:aws:sts::{account}:assumed-role/javascript/js", "ends": True},
        "own": {"arn": f"arn:aws:iam::{account}:user/admin", "ends": True},
        "federated": {"arn": f"arn:aws:sts::{account}:federated-user/jim", "ends": True},
    }


def test_an_organization(session: dict[str, Any]) -> None:
    """It is made, described and deleted; before there is one, the error has AWS's name."""
    found = session["organization"]
    assert found["none"]["name"] == "AWSOrganizationsNotInUseException"
    assert found["unit"].startswith(
        f"arn:aws:organizations::{session['account']}:ou/{found['id']}/"
    )
    assert (found["account"], found["joined"]) == (session["account"], True)
