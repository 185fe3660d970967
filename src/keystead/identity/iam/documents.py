"""Is this policy document fit to be stored, and how is it given back?

A document is validated by the policy room, kept as it was written, and percent-encoded in answers
(iam.md 1.3).
"""

from urllib.parse import quote

from keystead.arns import spoken
from keystead.identity.call import IamCall
from keystead.policy.language import DocumentKind, MalformedPolicy, compile_policy
from keystead.wire.models import iam as api


def require_valid(call: IamCall, document: str) -> None:
    """Refuse what is not an identity-based policy, with AWS's reason."""
    try:
        compile_policy(
            document,
            DocumentKind.IDENTITY,
            accept_unsupported_condition_keys=call.accept_unsupported_condition_keys,
            partition=spoken().name,
        )
    except MalformedPolicy as refused:
        raise api.MalformedPolicyDocumentException(refused.message) from refused


def encoded(document: str) -> str:
    """The document as IAM's answers carry it (RFC 3986)."""
    return quote(document, safe="-_.~")
