"""Makes a call of any operation through boto3, and says how it ended."""

from typing import Any

from botocore.exceptions import ClientError

OK = "ok"


def outcome(kms: Any, operation: str, members: dict[str, Any]) -> str:
    """`OK`, or the code of the refusal."""
    try:
        kms._make_api_call(operation, members)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return OK
