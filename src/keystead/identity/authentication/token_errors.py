"""The errors for credentials that cannot authenticate (iam.md 3.6, 3.8, 7.4)."""

from keystead.errors import AwsError


class InvalidClientTokenId(AwsError):
    """No active key has this id, or the token is not its own: one answer for all (iam.md 7.4)."""

    code = "UnrecognizedClientException"
    query_code = "InvalidClientTokenId"
    query_status = 403
    ec2_code = "AuthFailure"
    ec2_status = 401

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


class ExpiredToken(AwsError):
    """The session is over. Only a caller who signed with its secret learns that."""

    code = "ExpiredTokenException"
    query_code = "ExpiredToken"
    query_status = 403
    ec2_code = "RequestExpired"
    ec2_status = 400

    def __init__(self) -> None:
        super().__init__("The security token included in the request is expired")
