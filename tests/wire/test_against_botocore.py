"""Both directions of every operation of the three services, against botocore."""

from typing import Any
from urllib.parse import urlencode

import pytest

from keystead.errors import AwsError
from keystead.wire import awsjson
from keystead.wire.operation import Operation
from keystead.wire.query import query, xml
from tests.wire import oracle

EXAMPLES = 3

every_operation = pytest.mark.parametrize(
    "operation",
    oracle.OPERATIONS,
    ids=lambda operation: f"{operation.service.name}-{operation.name}",
)


def read(operation: Operation[Any, Any], sent: Any) -> Any:
    if operation.service.protocol == "json":
        return awsjson.read(operation, sent)
    return query.read(operation, query.parse_form(urlencode(sent).encode()))


@every_operation
def test_reads_what_botocore_sends(operation: Operation[Any, Any]) -> None:
    """Every input that botocore serializes is read back, member by member."""
    for tree in oracle.inputs(operation, EXAMPLES):
        sent = oracle.serialized(operation, tree)

        assert oracle.plain(read(operation, sent)) == tree


@every_operation
def test_botocore_reads_what_is_written(operation: Operation[Any, Any]) -> None:
    """Every output that is written is what botocore parses, with its request id."""
    for tree in oracle.outputs(operation, EXAMPLES):
        value = oracle.typed(operation, tree)
        if operation.service.protocol == "json":
            response = awsjson.response(operation, value, "the-id")
        else:
            response = xml.response(operation, value, "the-id")

        result, metadata = oracle.parsed(
            operation, response.status, response.headers, response.body
        )

        assert result == tree
        assert metadata["RequestId"] == "the-id"


@every_operation
def test_botocore_reads_every_error(operation: Operation[Any, Any]) -> None:
    """Each error of an operation arrives under the code that botocore knows, with its message."""
    known = {shape.name: shape.error_code for shape in oracle.shapes(operation).error_shapes}
    for error in operation.errors:
        refusal: AwsError = error("because <of> this & that")
        if operation.service.protocol == "json":
            response = awsjson.error(refusal, "the-id")
        else:
            response = xml.error(operation.service, refusal, "the-id")

        result, metadata = oracle.parsed(
            operation, response.status, response.headers, response.body
        )

        assert result["Error"]["Code"] == known[error.__name__]
        assert result["Error"]["Message"] == "because <of> this & that"
        assert metadata["RequestId"] == "the-id"
