"""Is this policy document fit to be stored, and how is it given back?

A document is validated by the policy room, kept as it was written, and percent-encoded in answers
(iam.md 1.3).
"""

from functools import partial
from urllib.parse import quote

from keystead.identity.call import IamCall
from keystead.identity.permissions import validity
from keystead.policy.language import DocumentKind, MalformedPolicy
from keystead.wire.models import iam as api
from keystead.work import digest

_ACCEPTED = 200  # bytes of an accepted document's hash, and of its account


def require_valid(call: IamCall, document: str) -> None:
    """Refuse a document that is not an identity-based policy, with AWS's reason.

    A text that was accepted is accepted again: nothing but the rules of this process is asked.
    """
    any_key = b"any" if call.accept_unsupported_condition_keys else b""
    accepted, said = call.repository.accepted, (call.account, digest(document.encode(), any_key))
    if accepted.get(said):
        return
    try:
        validity.require_valid(
            call.repository,
            document,
            DocumentKind.IDENTITY,
            accept_unsupported_condition_keys=call.accept_unsupported_condition_keys,
        )
    except MalformedPolicy as refused:
        raise api.MalformedPolicyDocumentException(refused.message) from refused
    accepted.put(said, value=True, owner=call.account, cost=_ACCEPTED)


def encoded(document: str) -> str:
    """The document as IAM's answers carry it (RFC 3986).

    A document has a few of the reserved characters, many times. To replace them kind by kind takes
    a seventh of the time of `quote`.
    """
    if not document.isascii():
        return _quoted(document)
    text = document.replace("%", "%25")
    for character, escaped in _RESERVED:
        if character in text:
            text = text.replace(character, escaped)
    return text


_quoted = partial(quote, safe="-_.~")
_ESCAPED = [(chr(code), _quoted(chr(code))) for code in range(128) if chr(code) != "%"]
_RESERVED = [(character, escaped) for character, escaped in _ESCAPED if character != escaped]
