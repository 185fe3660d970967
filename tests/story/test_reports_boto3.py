"""The credential report and the access advisor through boto3, made by a running server's jobs."""

import csv
import io
from collections.abc import Callable
from typing import Any

from tests.conftest import Credentials, Server, create_user, refused
from tests.patience import wait_until


def eventually(look: Callable[[], Any]) -> Any:
    """What a job of the server has done at last."""
    seen: list[Any] = []

    def is_there() -> bool:
        seen.append(look())
        return bool(seen[-1])

    wait_until(is_there)
    return seen[-1]


def test_the_credential_report(server: Server) -> None:
    """It is started, made, and read: a row for root, and one for each user.

    The account is the test's own: in another one a report may have been made before.
    """
    _, root = server.new_account()
    iam = server.client("iam", root)
    for name in ("reported", "unreported"):
        iam.create_user(UserName=name)
    iam.create_access_key(UserName="reported")
    key = iam.create_access_key(UserName="unreported")["AccessKey"]
    assert iam.generate_credential_report()["State"] == "STARTED"
    eventually(lambda: iam.generate_credential_report()["State"] == "COMPLETE")
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(report["Content"].decode()))}
    assert rows["<root_account>"]["password_enabled"] == "not_supported"
    assert rows["reported"]["access_key_1_active"] == "true"
    assert rows["reported"]["access_key_1_last_used_date"] == "N/A"
    nobody = server.client("iam", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    with refused("AccessDenied"):
        nobody.get_credential_report()


def test_the_access_advisor(server: Server) -> None:
    """A call of a user stands in a report, when the server has written it."""
    iam = server.client("iam")
    may = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
    server.client("kms", create_user(server, "advised", may)).list_keys()
    arn = iam.get_user(UserName="advised")["User"]["Arn"]

    def used() -> dict[str, Any] | None:
        job = iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")
        report = iam.get_service_last_accessed_details(JobId=job["JobId"])
        assert report["JobStatus"] == "COMPLETED"
        [service] = report["ServicesLastAccessed"]
        return service if service["TotalAuthenticatedEntities"] else None

    service = eventually(used)
    assert (service["ServiceNamespace"], service["LastAuthenticatedEntity"]) == ("kms", arn)
    [action] = service["TrackedActionsLastAccessed"]
    assert (action["ActionName"], action["LastAccessedEntity"]) == ("ListKeys", arn)
    granting = iam.list_policies_granting_service_access(Arn=arn, ServiceNamespaces=["kms", "s3"])
    kms, s3 = granting["PoliciesGrantingServiceAccess"]
    assert [policy["PolicyName"] for policy in kms["Policies"]] == ["inline"]
    assert s3["Policies"] == []
