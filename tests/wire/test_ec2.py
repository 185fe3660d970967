"""EC2's variant of the Query protocol: what is read, what is refused, and how it is answered."""

from typing import Any

import pytest

from keystead.errors import AwsError, ServiceUnavailable, ThrottlingException
from keystead.policy.evaluation import AccessDenied
from keystead.wire.models import ec2 as api
from keystead.wire.operation import Operation
from keystead.wire.query import ec2
from keystead.wire.sigv4 import mismatch
from tests.models import service_model
from tests.server import sdk

DESCRIBE: Operation[Any, Any] = api.DescribeVpcEndpointServices


def test_lists_are_flat() -> None:
    """Lists have no `member`, and parameters begin with a capital letter."""
    form = {
        "Action": "DescribeVpcEndpointServices", "Version": "2016-11-15",
        "ServiceName.2": "b", "ServiceName.1": "a", "Filter.1.Name": "owner",
        "Filter.1.Value.1": "x", "Filter.1.Value.2": "y", "MaxResults": "7", "DryRun": "true",
    }  # fmt: skip
    assert ec2.read(DESCRIBE, form) == api.DescribeVpcEndpointServicesRequest(
        service_names=["a", "b"],
        filters=[api.Filter(name="owner", values=["x", "y"])],
        max_results=7,
        dry_run=True,
    )


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"ServiceName.member.1": "a"}, "InvalidParameterValue"),
        ({"ServiceName.0": "a"}, "InvalidParameterValue"),
        ({"ServiceName.x": "a"}, "InvalidParameterValue"),
        ({"ServiceName": "a"}, "InvalidParameterValue"),
        ({"ServiceName": "", "ServiceName.1": "a"}, "InvalidParameterValue"),
        ({"Filter.1": "a"}, "InvalidParameterValue"),
        ({"MaxResults": "many"}, "InvalidParameterValue"),
        ({"MaxResults": "9999999999"}, "InvalidParameterValue"),
        ({"DryRun": "yes"}, "InvalidParameterValue"),
        ({"Newer": "1"}, "UnknownParameter"),
        ({"serviceName.1": "a"}, "UnknownParameter"),
    ],
)
def test_bad_parameters(form: dict[str, str], code: str) -> None:
    """Each is refused in EC2's words; a parameter that is not known is not left out."""
    with pytest.raises(AwsError) as refused:
        ec2.read(DESCRIBE, form)
    assert ec2.code(refused.value) == code


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (AccessDenied(None, "No."), "UnauthorizedOperation", 403,
         "You are not authorized to perform this operation. No."),
        (mismatch(), "AuthFailure", 401, None),
        (ThrottlingException("Slow."), "RequestLimitExceeded", 503, "Slow."),
        (ServiceUnavailable(), "Unavailable", 503, None),
    ],
)  # fmt: skip
def test_errors(error: AwsError, code: str, status: int, message: str | None) -> None:
    """botocore reads the code, the message and the request id."""
    found = sdk.parsed("ec2", "CreateTags", ec2.error(api.SERVICE, error, "id-1"))
    assert found["Error"]["Code"] == code
    assert found["ResponseMetadata"]["HTTPStatusCode"] == status
    assert found["ResponseMetadata"]["RequestId"] == "id-1"
    if message is not None:
        assert found["Error"]["Message"] == message


def test_answers() -> None:
    """botocore reads what is written; a list without elements is a list."""
    value = api.DescribeVpcEndpointServicesResult(
        service_names=["a<b", "c"],
        service_details=[api.ServiceDetail(service_name="a<b", tags=[], acceptance_required=False)],
    )
    found = sdk.parsed("ec2", DESCRIBE.name, ec2.response(DESCRIBE, value, "id-1"))
    assert found["ServiceNames"] == ["a<b", "c"]
    assert found["ServiceDetails"] == [
        {"ServiceName": "a<b", "Tags": [], "AcceptanceRequired": False}
    ]
    assert found["ResponseMetadata"]["RequestId"] == "id-1"


@pytest.mark.parametrize("operation", api.OPERATIONS.values(), ids=api.OPERATIONS)
def test_parameters_have_the_names_of_the_model(operation: Operation[Any, Any]) -> None:
    """botocore's serializer and the reader spell every member of each request in the same way."""
    shape = service_model("ec2").operation_model(operation.name).input_shape
    names = {
        member.serialization.get("queryName")
        or (member.serialization.get("name") or name)[:1].upper()
        + (member.serialization.get("name") or name)[1:]
        for name, member in shape.members.items()
    }
    assert names == ec2.parameters(operation)
