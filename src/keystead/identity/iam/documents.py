"""Is this policy document fit to be stored, and how is it given back?

A document is validated by the policy room, kept as it was written, and percent-encoded in answers
(iam.md 1.3).
"""

import re
from functools import lru_cache, partial
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

    The text between two names of a document is nearly always the same few characters. `quote` would
    encode each of them anew; this takes a third of its time.
    """
    parts = _RESERVED.split(document)
    parts[1::2] = map(_quoted, parts[1::2])
    return "".join(parts)


_RESERVED = re.compile(r"([^A-Za-z0-9._~-]{1,16})")
_quoted = lru_cache(maxsize=1024)(partial(quote, safe="-_.~"))
