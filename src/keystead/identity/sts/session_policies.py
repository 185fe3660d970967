"""Which session policies does a request pass, and is there room?  (iam.md 1.10, 5.8)

AWS limits the texts, and also a binary form into which it packs policies and tags. It tells the
size of that form in percent of the limit. Our form is the deflated msgpack of both.
"""

import zlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from keystead.arns import NotAnArn
from keystead.errors import AwsError, ValidationException
from keystead.identity.names import NotAPolicyArn
from keystead.identity.permissions import managed_policy, validity
from keystead.identity.repository import IdentityRepository
from keystead.identity.sessions import PassedPolicy, SessionTag
from keystead.policy.language import DocumentKind, MalformedPolicy
from keystead.store.protocol import Transaction
from keystead.wire.models import sts as api

LONGEST_TEXT = 2_048
"""Characters of the inline policy and of the ARNs together (iam.md 2.5)."""

PACKED_LIMIT = 2_048
"""Bytes of the packed form: one policy of the greatest length fits, fifty of the longest tags do
not."""

MOST_ARNS = 10


class Passing(Protocol):
    """A call that passes session policies."""

    repository: IdentityRepository
    transaction: Transaction
    accept_unsupported_condition_keys: bool


def passed_policies(
    call: Passing,
    account: str,
    policy: str | None,
    arns: Sequence[api.PolicyDescriptorType] | None,
) -> tuple[PassedPolicy, ...]:
    """The session policies of a request for a session in an account.

    Raises AWS's errors for a policy that is wrong, or not of that account and not AWS's own.
    """
    named = [descriptor.arn for descriptor in arns or () if descriptor.arn]
    if len(named) > MOST_ARNS:
        raise ValidationException(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint:"
            f" Member must have length less than or equal to {MOST_ARNS}"
        )
    length = len(policy or "") + sum(map(len, named))
    if length > LONGEST_TEXT:
        raise _too_large("policy", length, LONGEST_TEXT)
    inline = () if policy is None else (inline_policy(call, policy),)
    return inline + tuple(_managed(call, account, arn) for arn in dict.fromkeys(named))


def inline_policy(call: Passing, document: str) -> PassedPolicy:
    """A policy that was passed as a text; raises MalformedPolicyDocument."""
    try:
        validity.require_valid(
            call.repository,
            document,
            DocumentKind.SESSION,
            accept_unsupported_condition_keys=call.accept_unsupported_condition_keys,
        )
    except MalformedPolicy as refused:
        raise api.MalformedPolicyDocumentException(refused.message) from refused
    return PassedPolicy(document=document)


def _managed(call: Passing, account: str, arn: str) -> PassedPolicy:
    try:
        policy = managed_policy.with_arn(call.repository, call.transaction, account, arn)
    except (NotAnArn, NotAPolicyArn):
        raise ValidationException(f"{arn} is invalid") from None
    if policy is None:
        raise api.MalformedPolicyDocumentException(f"Policy {arn} does not exist")
    return PassedPolicy(arn=arn, policy_id=policy.policy_id)


def packed_size(policies: tuple[PassedPolicy, ...], tags: tuple[SessionTag, ...]) -> int | None:
    """The size in percent of the limit; None when nothing is packed."""
    if not policies and not tags:
        return None
    packed = len(zlib.compress(msgspec.msgpack.encode((policies, tags)), 9))
    if packed > PACKED_LIMIT:
        raise _too_large("session tags" if tags else "policy", packed, PACKED_LIMIT)
    return _percent(packed, PACKED_LIMIT)


def _percent(size: int, limit: int) -> int:
    """The size in percent, rounded up, so that a size over the limit is more than a hundred."""
    return -(-100 * size // limit)


def _too_large(what: str, size: int, limit: int) -> AwsError:
    percent = _percent(size, limit)
    return api.PackedPolicyTooLargeException(
        f"Packed size of session tags consumes {percent}% of allotted space."
        if what == "session tags"
        else f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
    )
