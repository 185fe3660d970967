"""The credential report: its states, its columns, and what stands in them."""

import csv
import io
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.credentials import Credentials

from keystead.identity import accounts
from keystead.identity.iam.account.credential_report import COLUMNS, SLICE
from tests.server.installations import Answered, Local, open_local

PASSWORD = "Correct-Horse-7-Battery"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    made = open_local(tmp_path_factory.mktemp("reports") / "data")
    yield made
    made.installation.close()


def code(answer: Answered) -> str:
    found = re.search(r"<Code>(\w+)</Code>", answer.body.decode())
    return found[1] if found else ""


def state(local: Local) -> str:
    """What GenerateCredentialReport says."""
    body = local.iam("GenerateCredentialReport").body.decode()
    found = re.search(r"<State>(\w+)</State>", body)
    assert found, body
    return found[1]


def finish(local: Local) -> int:
    """Let the job run until nothing is left; in how many runs."""
    runs = 0
    while local.installation.identities.credential_reports.begun:
        local.installation.upkeep.continue_report()
        runs += 1
    return runs


def report(local: Local) -> dict[str, dict[str, str]]:
    """A new report: the rows by the name of the user."""
    assert state(local) == "STARTED"
    finish(local)
    body = local.iam("GetCredentialReport").body.decode()
    found = re.search(r"<Content>([^<]+)</Content><ReportFormat>text/csv</ReportFormat>", body)
    assert found, body
    rows = list(csv.reader(io.StringIO(b64decode(found[1]).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in rows)
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]}


def test_states(local: Local) -> None:
    """None, then begun, being made, complete for four hours, and expired."""
    missing = local.iam("GetCredentialReport")
    assert (missing.status, code(missing)) == (410, "ReportNotPresent")
    assert state(local) == "STARTED"
    assert state(local) == "INPROGRESS"
    unready = local.iam("GetCredentialReport")
    assert (unready.status, code(unready)) == (404, "ReportInProgress")
    assert finish(local) == 1
    assert state(local) == "COMPLETE"
    assert local.iam("GetCredentialReport").status == 200
    local.time.passes(timedelta(hours=4, seconds=1))
    expired = local.iam("GetCredentialReport")
    assert (expired.status, code(expired)) == (410, "ReportExpired")
    assert state(local) == "STARTED"
    finish(local)
    assert local.iam("GetCredentialReport").status == 200
    local.time.passes(timedelta(hours=5))


def test_what_stands_in_it(local: Local) -> None:
    """Each credential of each user, with AWS's words for what is not there."""
    for name in ("bare", "full", "=cmd,x"):
        local.iam("CreateUser", UserName=name)
    local.iam("UpdateAccountPasswordPolicy", MaxPasswordAge="30")
    local.iam("CreateLoginProfile", UserName="full", Password=PASSWORD)
    for _ in range(2):
        local.iam("CreateAccessKey", UserName="full")
    body = local.iam("ListAccessKeys", UserName="full").body.decode()
    first = re.findall(r"<AccessKeyId>(\w+)</AccessKeyId>", body)[0]
    local.iam("UpdateAccessKey", UserName="full", AccessKeyId=first, Status="Inactive")
    installation = local.installation
    account_id = local.founded.account_id
    with installation.store.write() as transaction:
        account = installation.identities.accounts.get(transaction, account_id)
        assert account is not None
        accounts.create_root_access_key(
            transaction, installation.identities, account, now=local.time.wall()
        )
    installation.upkeep.write_last_used()
    rows = report(local)

    root = rows["<root_account>"]
    assert root["arn"] == f"arn:aws:iam::{account_id}:root"
    assert (root["password_enabled"], root["password_last_used"]) == (
        "not_supported", "no_information",
    )  # fmt: skip
    assert root["password_last_changed"] == root["password_next_rotation"] == "not_supported"
    assert (root["access_key_1_active"], root["access_key_1_last_used_date"]) == ("true", "N/A")
    assert (root["mfa_active"], root["cert_1_active"], root["cert_2_last_rotated"]) == (
        "false", "false", "N/A",
    )  # fmt: skip

    bare = rows["bare"]
    assert bare["arn"] == f"arn:aws:iam::{account_id}:user/bare"
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\+00:00", bare["user_creation_time"])
    password = [bare[f"password_{one}"] for one in ("last_used", "last_changed", "next_rotation")]
    assert (bare["password_enabled"], password) == ("false", ["N/A"] * 3)
    assert (bare["access_key_1_active"], bare["access_key_1_last_rotated"]) == ("false", "N/A")

    full = rows["full"]
    assert (full["password_enabled"], full["password_last_used"]) == ("true", "no_information")
    assert full["password_last_changed"] < full["password_next_rotation"] != "N/A"
    assert {full["access_key_1_active"], full["access_key_2_active"]} == {"true", "false"}
    assert full["access_key_2_last_rotated"] != "N/A"

    admin = next(row for row in rows.values() if row["access_key_1_last_used_service"] == "iam")
    assert admin["access_key_1_last_used_region"] == "us-east-1"
    assert "'=cmd,x" in rows  # a spreadsheet runs no name of a user (CO-10)
    local.time.passes(timedelta(hours=5))


def test_a_large_account_is_read_in_slices(local: Local) -> None:
    """Each run of the job reads a few users, and no user is missing or doubled."""
    for number in range(2 * SLICE):
        local.iam("CreateUser", UserName=f"user-{number}")
    assert state(local) == "STARTED"
    assert finish(local) == 3
    body = local.iam("GetCredentialReport").body.decode()
    found = re.search(r"<Content>([^<]+)</Content>", body)
    assert found
    names = [row[0] for row in csv.reader(io.StringIO(b64decode(found[1]).decode()))]
    assert len(set(names)) == len(names)
    assert {f"user-{number}" for number in range(2 * SLICE)} < set(names)


def test_only_who_is_allowed(local: Local) -> None:
    """A stranger to the report starts none; another account has its own."""

    body = local.iam("CreateUser", UserName="nobody").body
    assert b"nobody" in body
    text = local.iam("CreateAccessKey", UserName="nobody").body.decode()
    found = [re.search(rf"<{name}>([^<]+)<", text) for name in ("AccessKeyId", "SecretAccessKey")]
    key = Credentials(*(each[1] for each in found if each))
    for action in ("GenerateCredentialReport", "GetCredentialReport"):
        assert code(local.iam(action, key)) == "AccessDenied"
        assert code(local.iam(action)) == ""
        finish(local)
