"""How is a session shown to policies and in records?  (iam.md 2.10, 6.2; kms.md 22.2)"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keystead.arns import Arn
from keystead.identity import times
from keystead.identity.sessions import Delivery, Session, SessionKind
from keystead.policy.evaluation import ContextValue, Principal
from keystead.times import iso_seconds

_SAML = ":saml-provider/"
_DELIVERY = "2.0"  # the version of the instance metadata


def session_keys(session: Session) -> dict[str, ContextValue]:
    """The condition keys of a session that stay the same: its start, and how it came to be."""
    keys: dict[str, ContextValue] = {}
    by = session.forwarded
    if by is None or not by.long_term:  # who signs with a long-term key has none of these facts
        keys["aws:tokenissuetime"] = _time(session.issued)
        keys["aws:multifactorauthpresent"] = _truth(session)
    if by is not None:
        keys["aws:viaawsservice"] = "true"
        keys["aws:calledvia"] = (by.service,)
        keys["aws:calledviafirst"] = keys["aws:calledvialast"] = by.service
    if session.kind is SessionKind.ROOT_TASK:
        keys["aws:assumedroot"] = "true"
    if session.source_identity:
        keys["aws:sourceidentity"] = session.source_identity
    if session.federation is not None:
        keys.update(session.federation.keys)
        keys["aws:federatedprovider"] = session.federation.provider
    if session.delivery is not None:
        keys.update(delivery_keys(session.delivery))
    return keys


def delivery_keys(delivery: Delivery) -> dict[str, ContextValue]:
    """The condition keys of what was delivered to an instance; version 1 is never served."""
    keys: dict[str, ContextValue] = {
        "ec2:roledelivery": _DELIVERY,
        "ec2:sourceinstancearn": delivery.instance,
    }
    if delivery.private_ip:
        keys["aws:ec2instancesourceprivateipv4"] = delivery.private_ip
    if delivery.vpc_id:
        keys["aws:ec2instancesourcevpc"] = delivery.vpc_id
    return keys


def age_keys(mfa: int, now: datetime) -> dict[str, ContextValue]:
    """How long ago the second factor was shown, in seconds."""
    return {"aws:multifactorauthage": str(max(0, times.stored(now) - mfa))}


def session_context(session: Session, principal: Principal) -> Mapping[str, Any]:
    """`sessionContext`, as CloudTrail writes it."""
    attributes = {"creationDate": _time(session.issued), "mfaAuthenticated": _truth(session)}
    context: dict[str, Any] = {"attributes": attributes}
    if principal.issuer_arn:
        context = {"sessionIssuer": _issuer(principal), **context}
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    if session.delivery is not None:
        context["ec2RoleDelivery"] = _DELIVERY
    if session.kind is SessionKind.ROOT_TASK:
        context["assumedRoot"] = "true"
    if session.federation is not None and _SAML not in session.federation.provider:
        vouched = {"federatedProvider": session.federation.provider, "attributes": {}}
        context["webIdFederationData"] = vouched
    return context


def _issuer(principal: Principal) -> dict[str, str]:
    """The principal whose permissions the session has."""
    kind, _, name = Arn.parse(principal.issuer_arn).resource.partition("/")
    issuer = {
        "type": _ISSUERS[kind],
        "principalId": principal.issuer_id,
        "arn": principal.issuer_arn,
        "accountId": principal.account,
        "userName": name.rpartition("/")[2],
    }
    return {member: value for member, value in issuer.items() if value}


_ISSUERS = {"root": "Root", "user": "IAMUser", "role": "Role"}


def _time(second: int) -> str:
    return iso_seconds(times.shown(second))


def _truth(session: Session) -> str:
    return "false" if session.mfa is None else "true"
