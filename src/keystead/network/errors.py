"""Which errors does EC2 give?  Its model has none; they are those of its API reference."""

from keystead.errors import AwsError


class DryRunOperation(AwsError):
    """The caller may, and only wanted to know that."""

    code = "DryRunOperation"
    status = 412

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")


class InvalidParameter(AwsError):
    """A parameter is wrong, or does not fit to another one."""

    code = "InvalidParameter"


class InvalidServiceName(AwsError):
    """There is no such service for endpoints."""

    code = "InvalidServiceName"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Vpc Endpoint Service '{name[:100]}' does not exist")


class InvalidNextToken(AwsError):
    """A token that was given for another list, or for none."""

    code = "InvalidNextToken"

    def __init__(self) -> None:
        super().__init__("The token is not valid.")
