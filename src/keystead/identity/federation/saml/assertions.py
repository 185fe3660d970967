"""What does an assertion say?  Its facts, as values: nobody has judged them (SAML 2.0 Core 2).

Only what the signature covers comes here, canonical and read anew. A text is taken whole: an
element that should be a text, and has an element inside, is refused. Values of attributes may be
NameIDs, as that of eduPersonTargetedID is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from keystead.identity.federation.saml.names import SAML, SAMLP, read_date
from keystead.identity.federation.saml.responses import Unproven
from keystead.strictxml import Element

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_CONDITIONS = (f"{SAML}AudienceRestriction", f"{SAML}OneTimeUse", f"{SAML}ProxyRestriction")
_STEP = 6


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What stands around an assertion. It can refuse, and proves nothing unless it is signed."""

    status: tuple[str, ...]  # the code, and what it has inside
    issuer: str | None
    destination: str | None
    in_response_to: str | None
    issued: datetime
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How the bearer is to be confirmed as the subject."""

    method: str
    recipient: str
    not_before: datetime | None
    not_on_or_after: datetime | None
    in_response_to: str | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a provider signed. Only `proof.verify` gives one away."""

    response: ResponseFacts
    id: str
    issuer: str
    issued: datetime
    subject: str = field(repr=False)
    subject_format: str
    confirmations: tuple[Confirmation, ...]
    not_before: datetime | None
    not_on_or_after: datetime | None
    audiences: tuple[tuple[str, ...], ...]  # of each restriction
    session_ends: tuple[datetime, ...]
    statements: int  # of authentication
    attributes: tuple[tuple[str, tuple[str | None, ...]], ...] = field(repr=False)
    """Names and values; None for a value that is no text."""


def read_facts(assertion: Element, response: Element, *, is_signed: bool) -> Assertion:
    """The facts of an assertion and its response; raises Unproven. (`responses` read both.)"""
    issuer = _only(assertion, "Issuer")
    if issuer.get("Format") not in {None, _ENTITY}:
        raise Unproven(_STEP, "the issuer is no entity")
    subject, conditions = _only(assertion, "Subject"), _only(assertion, "Conditions")
    name = _only(subject, "NameID")
    statements = list(assertion.iterchildren(f"{SAML}AuthnStatement"))
    for condition in conditions.iterchildren():
        if condition.tag not in _CONDITIONS:
            raise Unproven(_STEP, "the assertion has a condition that nobody here understands")
    return Assertion(
        response=_around(response, is_signed=is_signed),
        id=assertion.get("ID") or "",
        issuer=_text(issuer),
        issued=_required_date(assertion, "IssueInstant"),
        subject=_text(name),
        subject_format=name.get("Format") or UNSPECIFIED,
        confirmations=tuple(map(_confirmation, subject.iterchildren(f"{SAML}SubjectConfirmation"))),
        not_before=_date(conditions, "NotBefore"),
        not_on_or_after=_date(conditions, "NotOnOrAfter"),
        audiences=tuple(
            tuple(map(_text, restriction.iterchildren(f"{SAML}Audience")))
            for restriction in conditions.iterchildren(f"{SAML}AudienceRestriction")
        ),
        session_ends=tuple(
            end for each in statements
            if (end := _date(each, "SessionNotOnOrAfter")) is not None
        ),
        statements=len(statements),
        attributes=tuple(_attributes(assertion)),
    )  # fmt: skip


def _around(response: Element, *, is_signed: bool) -> ResponseFacts:
    status = next(response.iterchildren(f"{SAMLP}Status"), None)
    if status is None:
        raise Unproven(_STEP, "the response has no status")
    issuer = next(response.iterchildren(f"{SAML}Issuer"), None)
    codes = tuple(each.get("Value") or "" for each in status.iter()
                  if each.tag == f"{SAMLP}StatusCode")  # fmt: skip
    return ResponseFacts(
        status=codes,
        issuer=None if issuer is None else _text(issuer),
        destination=response.get("Destination"),
        in_response_to=response.get("InResponseTo"),
        issued=_required_date(response, "IssueInstant"),
        is_signed=is_signed,
    )


def _confirmation(element: Element) -> Confirmation:
    data = _only(element, "SubjectConfirmationData")
    return Confirmation(
        method=element.get("Method") or "",
        recipient=data.get("Recipient") or "",
        not_before=_date(data, "NotBefore"),
        not_on_or_after=_date(data, "NotOnOrAfter"),
        in_response_to=data.get("InResponseTo"),
    )


def _attributes(assertion: Element) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    for statement in assertion.iterchildren(f"{SAML}AttributeStatement"):
        for attribute in statement.iterchildren(f"{SAML}Attribute"):
            values = attribute.iterchildren(f"{SAML}AttributeValue")
            yield attribute.get("Name") or "", tuple(map(_value, values))


def _value(element: Element) -> str | None:
    """The text of an attribute's value, or of the NameID that is all of it."""
    children = list(element.iterchildren())
    if not children:
        return element.text or ""
    blank = not (element.text or "").strip() and not (children[0].tail or "").strip()
    whole = len(children) == 1 and children[0].tag == f"{SAML}NameID" and blank
    return _value(children[0]) if whole and not list(children[0].iterchildren()) else None


def _text(element: Element) -> str:
    """A text that is all of an element, and has no space around it (SA-7)."""
    text = element.text or ""
    if list(element.iterchildren()) or not text or text != text.strip():
        raise Unproven(
            _STEP, f"the {element.tag.partition('}')[2]} is no text without space around it"
        )
    return text


def _only(parent: Element, name: str) -> Element:
    children = list(parent.iterchildren(f"{SAML}{name}"))
    if len(children) != 1:
        raise Unproven(_STEP, f"there is not exactly one {name}")
    return children[0]


def _date(element: Element, name: str) -> datetime | None:
    written = element.get(name)
    if written is None:
        return None
    date = read_date(written)
    if date is None:
        raise Unproven(_STEP, f"{name} is not a time")
    return date


def _required_date(element: Element, name: str) -> datetime:
    date = _date(element, name)
    if date is None:
        raise Unproven(_STEP, f"there is no {name}")
    return date
