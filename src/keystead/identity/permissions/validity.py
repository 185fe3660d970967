"""May this document be stored or passed?  It is compiled, beside the loop if it is long."""

from collections.abc import Mapping

from keystead.arns import spoken
from keystead.identity.repository import IdentityRepository
from keystead.policy.language import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    named_principals,
)


def require_valid(
    repository: IdentityRepository,
    document: str,
    kind: DocumentKind,
    meant: Mapping[str, str] | None = None,
    *,
    accept_unsupported_condition_keys: bool,
) -> None:
    """Refuse a document that is not understood; raises MalformedPolicy.

    `meant` gives the unique ids of the principals that it names, if it may name any.
    """
    asked = (document, kind, meant, accept_unsupported_condition_keys, spoken().name)
    refused = repository.preparations.make(len(document), asked, _refusal, *asked)
    if refused is not None:
        raise MalformedPolicy(*refused)


def principals(repository: IdentityRepository, document: str, kind: DocumentKind) -> list[str]:
    """The principals that a document names; raises MalformedPolicy."""
    asked = (document, kind, spoken().name)
    found = repository.preparations.make(len(document), asked, _principals, *asked)
    if isinstance(found, tuple):
        raise MalformedPolicy(*found)
    return found


def _principals(document: str, kind: DocumentKind, partition: str) -> list[str] | tuple[str, str]:
    """The names, or why the document is refused."""
    try:
        return named_principals(document, kind, partition)
    except MalformedPolicy as refused:
        return refused.message, refused.detail


def _refusal(
    document: str,
    kind: DocumentKind,
    meant: Mapping[str, str] | None,
    any_key: bool,
    partition: str,
) -> tuple[str, str] | None:
    """Why the document is refused, in AWS's words and in ours, or None. A worker raises nothing."""
    try:
        compile_policy(
            document, kind, meant, accept_unsupported_condition_keys=any_key, partition=partition
        )
    except MalformedPolicy as refused:
        return refused.message, refused.detail
    return None
