"""Which resource does a request name?  By its id or its ARN, in the caller's account and Region.

    arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/<UUID>

A question is asked about the name in the request, whether the resource exists or not. Only a caller
who is allowed learns that it does not exist (P-12).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from keystead import tags as rule
from keystead.arns import Arn, NotAnArn, spoken
from keystead.call import Target
from keystead.custody.randomness import urandom
from keystead.errors import ValidationException
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.repository import (
    AnywhereProfile,
    AnywhereSubject,
    Crl,
    TrustAnchor,
)
from keystead.policy.evaluation import ContextValue
from keystead.store.protocol import Reader
from keystead.wire.models import rolesanywhere as api

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LONGEST = 1011  # characters of an ARN, as the model has it


class Stored(Protocol):
    """What is kept of a resource."""

    @property
    def account(self) -> str: ...  # as it says
    @property
    def region(self) -> str: ...  # as it says
    @property
    def record_id(self) -> str:
        """Its UUID."""

    @property
    def tag_map(self) -> Mapping[str, str]:
        """Its tags."""


T = TypeVar("T", bound=Stored)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of resource."""

    noun: str  # in ARNs
    title: str  # in sentences
    resource_type: str  # CloudTrail's
    get: Callable[[AnywhereCall, Reader, str, str], T | None]


ANCHOR: Kind[TrustAnchor] = Kind(
    "trust-anchor", "Trust anchor", "AWS::RolesAnywhere::TrustAnchor",
    lambda call, reader, account, one: call.repository.anywhere.anchors.get(reader, account, one),
)  # fmt: skip
PROFILE: Kind[AnywhereProfile] = Kind(
    "profile", "Profile", "AWS::RolesAnywhere::Profile",
    lambda call, reader, account, one: call.repository.anywhere.profiles.get(reader, account, one),
)  # fmt: skip
CRL: Kind[Crl] = Kind(
    "crl", "CRL", "AWS::RolesAnywhere::CRL",
    lambda call, reader, account, one: call.repository.anywhere.crls.get(reader, account, one),
)  # fmt: skip


SUBJECT: Kind[AnywhereSubject] = Kind(
    "subject", "Subject", "AWS::RolesAnywhere::Subject",
    lambda call, reader, account, one: call.repository.anywhere.subjects.get(reader, account, one),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The resource that a request names, with its record if it exists."""

    target: Target
    missing: str  # the sentence when there is nothing
    record: T | None

    def existing(self) -> T:
        """The record; raises ResourceNotFoundException."""
        if self.record is None:
            raise api.ResourceNotFoundException(self.missing)
        return self.record


def new_id() -> str:
    """A random UUID."""
    return str(UUID(bytes=urandom(16), version=4))


def arn_of(kind: Kind[T], region: str, account: str, record_id: str) -> str:
    partition = spoken().name
    return f"arn:{partition}:rolesanywhere:{region}:{account}:{kind.noun}/{record_id}"


def arn(kind: Kind[T], record: T) -> str:
    """The ARN of a resource."""
    return arn_of(kind, record.region, record.account, record.record_id)


def found(call: AnywhereCall, kind: Kind[T], text: str) -> Found[T]:
    """The resource that a request names by its id or its ARN; refuses every other text."""
    record_id = text if _UUID.fullmatch(text) else _in_arn(call, kind, text)
    known = kind.get(call, call.transaction, call.account, record_id)
    record = known if known is not None and known.region == call.region else None
    named = arn_of(kind, call.region, call.account, record_id)
    return Found(_target(call, kind, named, record), f"{kind.title} {record_id} not found", record)


def _target(call: AnywhereCall, kind: Kind[T], named: str, record: T | None) -> Target:
    keys = {} if record is None else rule.resource_keys(record.tag_map, "aws")
    return Target(named, call.account, kind.resource_type, condition_keys=keys)


def _in_arn(call: AnywhereCall, kind: Kind[T], text: str) -> str:
    """The id in an ARN of the caller's account and Region."""
    try:
        arn = Arn.parse(text[: _LONGEST + 1])
    except NotAnArn:
        raise invalid(f"{text[:100]} is not the id or the ARN of a {kind.noun}") from None
    noun, _, record_id = arn.resource.partition("/")
    place = (arn.partition, arn.service, arn.region, arn.account, noun)
    ours = (spoken().name, "rolesanywhere", call.region, call.account, kind.noun)
    if place != ours or not _UUID.fullmatch(record_id):
        raise invalid(f"{text[:200]} is not the ARN of a {kind.noun} of this account and Region")
    return record_id


def split(text: str, noun: str) -> tuple[str, str, str]:
    """The Region, the account and the id in the ARN of a resource; raises ValidationException."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise invalid(f"{text[:100]} is not an ARN") from None
    kind, _, record_id = arn.resource.partition("/")
    ours = (arn.partition, arn.service, kind) == (spoken().name, "rolesanywhere", noun)
    if not ours or not arn.account.isdigit() or not _UUID.fullmatch(record_id):
        raise invalid(f"{text[:200]} is not the ARN of a {noun}")
    return arn.region, arn.account, record_id


def invalid(sentence: str) -> ValidationException:
    return ValidationException(sentence)


def ask(call: AnywhereCall, target: Target, keys: Mapping[str, ContextValue] | None = None) -> None:
    """May the caller do what this operation does to this resource?"""
    call.authorize(f"rolesanywhere:{call.operation.name}", target, keys or {})


def ask_any(call: AnywhereCall, keys: Mapping[str, ContextValue] | None = None) -> None:
    """May the caller do what this operation does, if it is not about a single resource?"""
    call.authorize_any(f"rolesanywhere:{call.operation.name}", keys or {})
