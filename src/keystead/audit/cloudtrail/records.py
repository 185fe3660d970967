"""Which record of CloudTrail does an event give, and to which accounts?  (decision 0047)

The log's record has CloudTrail's form already. Three things differ:

(1) Our own member `keystead` stays in the log. `additionalEventData.keystead` has the position in
    the log, which leads to it, and the severity.
(2) A call of KMS or STS that succeeded on another account's resource is told to both accounts
    (kms.md 22.1). The owner of the resource gets a copy without what the caller's account alone
    may know. `sharedEventID` connects the two.
(3) A member that did not fit into the log has an object in its place (AD-1). Where CloudTrail
    always has a text or a list, the member is left out.

Records of nobody's account (callers who were never known, acts of the operator) are delivered to
the account `NOBODY`.
"""

import hashlib
import re
import uuid
from typing import Any, NamedTuple

import msgspec

Fields = dict[str, Any]

NOBODY = "000000000000"
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_SHARED = frozenset({"kms.amazonaws.com", "sts.amazonaws.com"})
_KINDS = {
    "userIdentity": dict, "eventTime": str, "eventSource": str, "eventName": str, "awsRegion": str,
    "sourceIPAddress": str, "userAgent": str, "errorCode": str, "errorMessage": str,
    "requestID": str, "eventID": str, "readOnly": bool, "resources": list, "tlsDetails": dict,
    "recipientAccountId": str, "vpcEndpointId": str,
    "vpcEndpointAccountId": str,
}  # fmt: skip
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Delivered(NamedTuple):
    """One record, and the account and the Region whose log has it."""

    account: str
    region: str
    time: str  # "2026-11-30T06:45:00Z"
    fields: Fields


def delivered(event: bytes, home: str) -> list[Delivered]:
    """The records of an event of the log: one, and a copy for each other account that it concerns.

    `home` is the Region of events that have none.
    """
    fields = _decode(event)
    ours = fields.pop("keystead", {})
    fields = {name: member for name, member in fields.items() if _fits(name, member)}
    if not _REGION.fullmatch(fields.get("awsRegion", "")):
        fields["awsRegion"] = home
    region = fields["awsRegion"]
    fields["userIdentity"] = _whole(fields.get("userIdentity", {"type": "Unknown"}))
    if "tlsDetails" in fields:
        fields["tlsDetails"] = _whole(fields["tlsDetails"])
    for name in ("eventSource", "eventName"):
        fields.setdefault(name, "")
    fields.setdefault("resources", [])
    account = fields.get("recipientAccountId", "")
    account = account if _ACCOUNT.fullmatch(account) else NOBODY
    others = _others(fields, account)
    if others:
        fields["sharedEventID"] = _derived(fields["eventID"], "shared")
    copies = [_copy(fields, other) for other in others]
    fields["additionalEventData"] = _additional(fields.get("additionalEventData"), ours)
    own = Delivered(account, region, fields["eventTime"], fields)
    return [own, *(Delivered(other, region, own.time, copy) for other, copy in copies)]


def _fits(name: str, member: Any) -> bool:
    """Has a member the type that CloudTrail's readers expect?  (3)"""
    kind = _KINDS.get(name)
    return kind is None or (isinstance(member, kind) and not _is_omitted(member))


def _is_omitted(member: Any) -> bool:
    return isinstance(member, dict) and member.get("omitted") is True


def _whole(members: Fields) -> Fields:
    return {name: member for name, member in members.items() if not _is_omitted(member)}


def _additional(members: Fields | None, ours: Fields) -> Fields:
    """`additionalEventData` with our own facts (1)."""
    kept = {name: ours[name] for name in ("index", "severity") if name in ours}
    return {**(members or {}), "keystead": kept}


def _others(fields: Fields, account: str) -> list[str]:
    """The other accounts that own a resource of a call that succeeded (2)."""
    if "errorCode" in fields or fields.get("eventSource") not in _SHARED:
        return []
    if fields.get("eventType") != "AwsApiCall":
        return []
    owners = {str(resource.get("accountId", "")) for resource in fields["resources"]}
    return sorted(owner for owner in owners if owner != account and _ACCOUNT.fullmatch(owner))


def _copy(fields: Fields, owner: str) -> tuple[str, Fields]:
    """The owner's copy. Of the caller it has what AWS tells: the account and the unique id (2)."""
    copy = {**fields, "recipientAccountId": owner}
    identity = fields["userIdentity"]
    if identity.get("type") != "AWSService":
        copy["userIdentity"] = {
            "type": "AWSAccount",
            "principalId": identity.get("principalId", ""),
            "accountId": identity.get("accountId", ""),
        }
    copy.pop("vpcEndpointId", None)
    copy.pop("vpcEndpointAccountId", None)
    copy["resources"] = [each for each in fields["resources"] if each.get("accountId") == owner]
    copy["eventID"] = _derived(fields["eventID"], owner)
    return owner, copy


def _derived(event_id: str, purpose: str) -> str:
    """Another id for a record of the same event. It ends with the position in the log, too."""
    digest = hashlib.sha256(f"{event_id} {purpose}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))[:24] + event_id[24:]
