"""Which form has the record of a call?  CloudTrail's, with one member of our own (kms.md 22.2).

The fields and their names are CloudTrail's. The member `keystead` is ours. It holds the position in
the log, the listener, the duration, and each decision of the call with its deciding statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, field

from keystead.audit.records import jsontext
from keystead.audit.records.event import CONSOLE, Event, EventResource
from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.policy.evaluation import DecidingStatement, Decision, Principal, PrincipalType
from keystead.times import iso_seconds

_IDENTITY_TYPE = {
    PrincipalType.ACCOUNT: "Root",
    PrincipalType.USER: "IAMUser",
    PrincipalType.ASSUMED_ROLE: "AssumedRole",
    PrincipalType.FEDERATED_USER: "FederatedUser",
    PrincipalType.SERVICE: "AWSService",
    PrincipalType.ANONYMOUS: "Unknown",
}
_INTERNAL = "AWS Internal"  # the caller, if the service itself acted
_IDENTITIES = Room(of_owner=256 * KIB, in_all=8 * MIB)
_IDENTITY = 900  # bytes of one identity, beside its text


class TlsField(Struct, gc=False, rename="camel"):
    """`tlsDetails`."""

    tls_version: str | UnsetType
    cipher_suite: str | UnsetType
    client_provided_host_header: str | UnsetType


class StatementField(Struct, gc=False, rename="camel"):
    """A statement that decided. A member that would repeat the decision is left out."""

    kind: str | UnsetType  # if it is not the decision's `decidedBy`
    policy: str
    attached_to: str | UnsetType  # if it is not the decision's resource
    index: int
    sid: str | UnsetType
    effect: str


class DecisionField(Struct, gc=False, rename="camel"):
    """One decision of the call."""

    action: str
    resource: str | UnsetType  # if it is not the first of the record's `resources`
    outcome: str
    decided_by: str | None  # the kind of policy; None for root's own right
    statements: Sequence[StatementField] | UnsetType


class StateField(Struct, gc=False, rename="camel"):
    """The state after the change that came with this record: digests of sums over stored rows."""

    newest: str  # of the sum over all accounts
    accounts: dict[str, str]  # account -> digest, of the changed accounts that the record is about


class KeysteadField(Struct, gc=False, rename="camel"):
    """The facts that AWS's record does not have."""

    index: int
    endpoint: str
    duration_microseconds: int
    decisions: list[DecisionField]
    state: StateField | UnsetType = UNSET
    severity: str | UnsetType = UNSET
    development: bool | UnsetType = UNSET  # of an installation for development
    client_address: str | UnsetType = UNSET  # of a service: CloudTrail shows its name instead


@dataclass(frozen=True, slots=True)
class State:
    """The state after a turn: digests of the sums over the rows that decisions depend on (RK-5)."""

    newest: str  # of the sum over all accounts
    changed: Mapping[str, str]  # account -> digest, of the accounts that the turn changed


class Record(Struct, rename="camel"):
    """The record. A member that is UNSET is left out."""

    event_version: str
    user_identity: Raw
    event_time: str
    event_source: str
    event_name: str
    aws_region: str
    source_ip_address: str = field(name="sourceIPAddress")
    user_agent: str | UnsetType
    error_code: str | UnsetType
    error_message: str | UnsetType
    request_parameters: Any
    response_elements: Any
    additional_event_data: Any
    service_event_details: Any
    request_id: str = field(name="requestID")
    event_id: str = field(name="eventID")
    read_only: bool
    resources: list[EventResource]
    event_type: str
    management_event: bool
    recipient_account_id: str | UnsetType
    vpc_endpoint_id: str | UnsetType
    vpc_endpoint_account_id: str | UnsetType
    event_category: str
    tls_details: TlsField | UnsetType
    session_credential_from_console: str | UnsetType
    keystead: KeysteadField


class Recorder:
    """Makes records. It keeps the written form of recent principals."""

    __slots__ = ("_development", "_identities", "_last", "_second", "_second_text", "event_ids")

    def __init__(self, event_ids: str, *, development: bool = False) -> None:
        """`development` marks every record: keys and credentials may be known to everybody."""
        self.event_ids = event_ids  # the first 24 characters of every event id
        self._development: bool | UnsetType = True if development else UNSET
        self._identities: BoundedCache[tuple[str, str, str], Raw] = BoundedCache(_IDENTITIES)
        self._last: datetime | None = None  # the time that was written last
        self._second = -1  # the second that `_second_text` writes
        self._second_text = ""

    @property
    def kept_bytes(self) -> int:
        """The bytes of the written principals that are kept."""
        return self._identities.cost

    def record(self, event: Event, index: int, state: State | None = None) -> Record:
        """The record of an event, with its position in the log and the state after its change."""
        # The arguments are positional, because this runs for every call and names cost 1.5 µs.
        # They stand in the order of the fields above. The tests check them name by name.
        return Record(
            "1.11",
            self._identity(event),
            self._time(event.time),
            event.source,
            event.name,
            event.region,
            event.invoked_by or event.source_ip or _INTERNAL,
            event.invoked_by or event.user_agent or UNSET,
            event.error_code or UNSET,
            event.error_message or UNSET,
            event.request_parameters,
            event.response_elements,
            event.additional or UNSET,
            event.service_details or UNSET,
            event.request_id,
            f"{self.event_ids}{index:012x}",
            event.read_only,
            event.resources,
            event.event_type,
            True,  # managementEvent
            _recipient(event) or UNSET,
            event.vpce_id or UNSET,
            event.vpce_account or UNSET,
            "Management",
            _tls(event) if event.secure else UNSET,
            "true" if event.endpoint == CONSOLE and event.session else UNSET,
            KeysteadField(
                index,
                event.endpoint,
                event.duration_us,
                [_decision(d, event.resources) for d in event.decisions],
                _state(event, state) if state else UNSET,
                event.severity or UNSET,
                self._development,
                event.source_ip if event.invoked_by else UNSET,
            ),
        )

    def _time(self, time: datetime) -> str:
        """`eventTime`, in whole seconds. It is written once for all calls of a second."""
        if time is self._last:  # as for all calls that arrived together
            return self._second_text
        self._last = time
        second = int(time.timestamp())
        if second != self._second:
            self._second = second
            self._second_text = iso_seconds(time)
        return self._second_text

    def _identity(self, event: Event) -> Raw:
        """`userIdentity`: the part that all calls of a principal share, and the session."""
        if event.principal is None:
            return Raw(jsontext.encode(_unknown(event)))
        who = event.principal
        # Of two bearers with the same `user_id` the audiences end differently: it has their colons.
        key = (who.arn or who.account, who.user_id, event.access_key_id or who.name)
        written = self._identities.used[key]
        if written is None:
            text = jsontext.encode(_identity(event.principal, event.access_key_id))
            written = self._identities.put(
                key, Raw(text), event.principal.account, _IDENTITY + 2 * len(text)
            )
        more = b""
        if event.session:
            more = b',"sessionContext":' + jsontext.encode(event.session)
        if event.invoked_by and who.type is not PrincipalType.SERVICE:
            more += b',"invokedBy":' + jsontext.encode(event.invoked_by)
        return Raw(b"".join((bytes(written)[:-1], more, b"}"))) if more else written


def _identity(principal: Principal, access_key_id: str) -> dict[str, str]:
    """`userIdentity` of a verified principal."""
    if principal.type is PrincipalType.SERVICE:
        return {
            "type": "AWSService",
            "invokedBy": next(iter(principal.service_names), principal.arn),
        }
    if principal.type is PrincipalType.FEDERATED:
        web = ":saml-provider/" not in principal.issuer_arn
        qualifier = principal.user_id.removesuffix(f":{principal.name}")  # as CloudTrail has it
        return {
            "type": "WebIdentityUser" if web else "SAMLUser",
            "principalId": principal.user_id,
            "userName": principal.name,
            "identityProvider": principal.issuer_arn if web else qualifier,
        }
    members = {
        "type": _IDENTITY_TYPE[principal.type],
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": access_key_id,
        "userName": principal.name,
    }
    return {name: member for name, member in members.items() if member}


def _unknown(event: Event) -> dict[str, str]:
    """`userIdentity` without an authenticated caller: our own work, or a claimed access key."""
    if event.event_type == "AwsServiceEvent":
        return {"accountId": _recipient(event), "invokedBy": _INTERNAL}
    identity = {"type": "Unknown"}
    return identity | {"accessKeyId": event.access_key_id} if event.access_key_id else identity


def _recipient(event: Event) -> str:
    """The account whose log would have this at AWS: the caller's, or else the resource's."""
    if event.principal is not None and event.principal.account:
        return event.principal.account
    return event.resources[0].account if event.resources else ""


def _state(event: Event, state: State) -> StateField:
    """The new digests, of all accounts and of those changed accounts that the event names."""
    named = {_recipient(event), *(resource.account for resource in event.resources)}
    accounts = {name: digest for name, digest in state.changed.items() if name in named}
    return StateField(state.newest, accounts)


def _tls(event: Event) -> TlsField:
    return TlsField(event.tls_version or UNSET, event.cipher_suite or UNSET, event.host or UNSET)


def _decision(decision: Decision, resources: Sequence[EventResource]) -> DecisionField:
    return DecisionField(
        decision.action,
        UNSET if resources and decision.resource == resources[0].arn else decision.resource,
        decision.outcome,
        decision.kind,
        [_statement(s, decision) for s in decision.statements] if decision.statements else UNSET,
    )


def _statement(statement: DecidingStatement, decision: Decision) -> StatementField:
    return StatementField(
        UNSET if statement.kind == decision.kind else statement.kind,
        statement.policy,
        UNSET if statement.attached_to == decision.resource else statement.attached_to,
        statement.index,
        statement.sid or UNSET,
        statement.effect,
    )
