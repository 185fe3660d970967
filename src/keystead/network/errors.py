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


class InvalidPolicyDocument(AwsError):
    """A policy that may not be stored."""

    code = "InvalidPolicyDocument"


class InvalidEndpointId(AwsError):
    """The account has no such endpoint in this Region."""

    code = "InvalidVpcEndpointId.NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Vpc Endpoint Id '{name[:100]}' does not exist")


class InvalidPrefixListId(AwsError):
    """There are no prefix lists."""

    code = "InvalidPrefixListId.NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Prefix List ID '{name[:100]}' does not exist")


class InvalidVpcId(AwsError):
    """Not a VPC, or one of another account."""

    code = "InvalidVpcId.NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Vpc Id {name[:100]} does not exist")


class InvalidId(AwsError):
    """No resource has this id."""

    code = "InvalidID"

    def __init__(self, name: str) -> None:
        super().__init__(f"The ID '{name[:100]}' is not valid")


class IdempotentParameterMismatch(AwsError):
    """The same client token came with other parameters before."""

    code = "IdempotentParameterMismatch"

    def __init__(self) -> None:
        super().__init__(
            "Arguments on this idempotent request are inconsistent with arguments used in previous"
            " request(s)."
        )


class VpcEndpointLimitExceeded(AwsError):
    """A network or a Region has as many endpoints as it may."""

    code = "VpcEndpointLimitExceeded"


class TagLimitExceeded(AwsError):
    """A resource would have too many tags."""

    code = "TagLimitExceeded"


class InvalidNextToken(AwsError):
    """A token that was given for another list, or for none."""

    code = "InvalidNextToken"

    def __init__(self) -> None:
        super().__init__("The token is not valid.")


class InvalidInstanceId(AwsError):
    """There is no such instance in this account and Region."""

    code = "InvalidInstanceID.NotFound"

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"The instance ID '{instance_id[:100]}' does not exist")


class NoSuchAssociation(AwsError):
    """There is no such association of an instance with a profile."""

    code = "NoSuchAssociation"

    def __init__(self, association_id: str) -> None:
        super().__init__(f"An invalid association-id of '{association_id[:100]}' was given")


class IncorrectState(AwsError):
    """What the request is about is not in a state for it."""

    code = "IncorrectState"


class UnsupportedOperation(AwsError):
    """EC2 has it, and it is not served here."""

    code = "UnsupportedOperation"
