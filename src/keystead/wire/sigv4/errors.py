"""Which error refuses a signature that cannot be judged, or that does not match?  (iam.md 1.5)"""

from keystead.errors import AwsError


class MissingAuthenticationToken(AwsError):
    """The request is not signed. The two protocols word it differently (iam.md 3.8)."""

    code = "MissingAuthenticationTokenException"
    query_code = "MissingAuthenticationToken"
    query_status = 403
    query_message = "Request is missing Authentication Token"

    def __init__(self) -> None:
        super().__init__("Missing Authentication Token")


class IncompleteSignature(AwsError):
    """The signature is not well-formed."""

    code = "IncompleteSignatureException"
    query_code = "IncompleteSignature"


class SignatureDoesNotMatch(AwsError):
    """The signature is not the right one for this request at this time."""

    code = "InvalidSignatureException"
    query_code = "SignatureDoesNotMatch"
    query_status = 403
    ec2_code = "AuthFailure"
    ec2_status = 401


def mismatch() -> SignatureDoesNotMatch:
    """The refusal of a signature that differs from ours. It never shows ours (AU-8)."""
    return SignatureDoesNotMatch(
        "The request signature we calculated does not match the signature you provided. Check"
        " your AWS Secret Access Key and signing method. Consult the service documentation for"
        " details."
    )
