"""ForwardAccess and PassRole: a service acts for the caller whose request it received (0052).

The service hands in the request as it came. (1) The service may forward at all. (2) The request has
one reading. (3) It was signed for this service: its scope and its Host are the service's. (4) Its
caller is found as that of every request; a presigned request, and one of a service or of a
forwarded session, is not taken. (5) It is new: its signature is kept until it is too old. (6) The
session is for this service alone.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import msgspec

from keystead.arns import Arn, NotAnArn
from keystead.call import Target
from keystead.errors import AwsError, ValidationException
from keystead.identity import identifiers, resources, times
from keystead.identity.authentication import Authenticated
from keystead.identity.call import ServicesCall
from keystead.identity.repository import ForwardedRequest, Role, ServiceRecord
from keystead.identity.services.registration import RESOURCE_TYPE, resource_of
from keystead.identity.sessions import Forwarded, RowKind, Session, SessionRow, forwarded, issue
from keystead.policy.evaluation import ContextValue, PolicySource, PrincipalType
from keystead.policy.language import VERSION_2008, DocumentKind, own_policy
from keystead.registry import implements
from keystead.rules import CredentialKind
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.models import keystead as api
from keystead.wire.operation import Service
from keystead.wire.sigv4 import Signature, parse

GOOD_SECONDS = 300
"""For how long a caller's request may be forwarded, before and after its time."""

_ACTION = "keystead:ForwardAccess"
_METHOD = re.compile(r"[A-Z]{1,16}")
_PATH = re.compile(r"/[!-~]*")
_QUERY = re.compile(r"[!-~]*")
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9a-z-]+")
_VALUE = re.compile(r"[\t -~]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
T = TypeVar("T")
_NOT_TAKEN = frozenset({CredentialKind.SERVICE, CredentialKind.FORWARDED})


@implements(api.ForwardAccess)
def forward_access(
    call: ServicesCall, request: api.ForwardAccessRequest
) -> api.ForwardAccessResponse:
    service = _service(call)
    received, payload = _received(request.request)  # (2)
    signature = _signed_for(service, received)  # (3)
    caller = _caller(call, service, received, payload)  # (4)
    account = caller.principal.account
    permit = call.authorize(_ACTION, _of_caller(service, account))  # (1)
    _require_new(call, account, signature)  # (5)
    session = _session(call, service, caller)  # (6)
    issued = issue(call.session_tokens, permit, session, call.now)
    if service.managed_key:
        call.managed_keys.ensure(call, account, service.label, service.name)
    call.event.additional["caller"] = caller.principal.arn
    return api.ForwardAccessResponse(
        credentials=api.ForwardedCredentials(
            access_key_id=issued.access_key_id,
            session_token=issued.token,
            expiration=times.shown(issued.expires),
        ),
        caller=api.Caller(
            arn=caller.principal.arn, account_id=account, user_id=caller.principal.user_id
        ),
    )


def _service(call: ServicesCall) -> ServiceRecord:
    service = call.repository.services.get(call.transaction, call.principal.arn)
    if service is None or service.service_id != call.principal.user_id:
        raise RuntimeError(f"{call.principal.arn} has signed, and is not registered")
    return service


def _received(asked: api.CallerRequest) -> tuple[HttpRequest, str]:
    """(2) The request as the door would have read it, and the hash of a body that is not here."""
    headers = {name.lower(): value.strip(" \t") for name, value in asked.headers.items()}
    readable = (
        len(headers) == len(asked.headers)
        and _METHOD.fullmatch(asked.method)
        and _PATH.fullmatch(asked.path)
        and _QUERY.fullmatch(asked.query_string or "")
        and not {"?", "#"} & {*asked.path}
        and all(map(_NAME.fullmatch, headers))
        and all(map(_VALUE.fullmatch, headers.values()))
    )
    if not readable:
        raise ValidationException("The request of the caller is not one that HTTP allows.")
    payload = asked.body_sha256 or ""
    if payload and (asked.body is not None or not _SHA256.fullmatch(payload)):
        raise ValidationException("Give the Body, or BodySha256 in lower-case hexadecimal digits.")
    received = HttpRequest(
        asked.method, asked.path, asked.query_string or "", headers, asked.body or b"", "", False,
        Endpoint(),
    )  # fmt: skip
    return received, payload


def _signed_for(service: ServiceRecord, received: HttpRequest) -> Signature:
    """(3) The signature of a request that is for this service, true or not."""
    signature = _outcome(lambda: parse(received))
    if signature.presigned:
        raise _not_authenticated("a presigned request cannot be forwarded")
    if signature.claim.service != service.scope:
        raise _not_authenticated(f"it is signed for `{signature.claim.service}`")
    host = received.headers.get("host", "").lower()
    if host not in service.own_hosts:
        raise _not_authenticated(f"its Host is `{host}`")
    return signature


def _caller(
    call: ServicesCall, service: ServiceRecord, received: HttpRequest, payload: str
) -> Authenticated:
    """(4) Whoever signed the request, judged as every caller is."""
    scope = Service(service.scope, "json", "", clock_skew_seconds=GOOD_SECONDS)
    caller = _outcome(
        lambda: call.verifier.authenticate(
            call.transaction, received, scope, call.now, payload=payload
        )
    )
    if caller.credentials in _NOT_TAKEN:
        raise _not_authenticated("requests of services are not forwarded")
    return caller


def _outcome(judge: Callable[[], T]) -> T:
    """The outcome of a judgement about the caller's request. A refusal is told to the service.

    The record has it in the words for records: nothing of the caller's headers.
    """
    try:
        return judge()
    except AwsError as refusal:
        told, recorded = (
            f"{refusal.code}: {text or ''}" for text in (refusal.message, refusal.recorded)
        )
        raise _not_authenticated(told, recorded) from None


def _not_authenticated(why: str, recorded: str = "") -> api.CallerNotAuthenticatedException:
    lead = "The request of the caller is not taken: "
    return api.CallerNotAuthenticatedException(lead + why, recorded=lead + (recorded or why))


def _of_caller(service: ServiceRecord, account: str) -> Target:
    """What the service asks about: to act in the caller's account, as its registration says."""
    policies: tuple[PolicySource, ...] = ()
    if service.forwarded_actions:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service.name},
            "Action": _ACTION,
            "Resource": "*",
        }
        text = msgspec.json.encode({"Version": VERSION_2008, "Statement": [statement]}).decode()
        policy = own_policy(text, DocumentKind.RESOURCE, {}, 0)
        policies = (PolicySource(policy, "registration"),)
    arn = resource_of(service).arn_text
    return Target(arn, account, RESOURCE_TYPE, resource_policies=policies)


def _require_new(call: ServicesCall, account: str, signature: Signature) -> None:
    """(5) A request is forwarded once."""
    signed = f"{signature.access_key_id}/{signature.scope}/{signature.signature}"
    stale = signature.time + timedelta(seconds=GOOD_SECONDS + 1)
    request = ForwardedRequest(
        account=account,
        digest=hashlib.sha256(signed.encode()).hexdigest(),
        stale=times.stored(stale),
    )
    if not call.repository.forwarded.add(call.transaction, request, times.stored(call.now)):
        raise api.AlreadyForwardedException("The request of the caller was forwarded already.")


def _session(call: ServicesCall, service: ServiceRecord, caller: Authenticated) -> Session:
    """(6) The caller's session, for this service."""
    who, key_id = caller.principal, caller.access_key_id
    root = who.type is PrincipalType.ACCOUNT
    owner = SessionRow(
        RowKind.ROOT if root else RowKind.USER, who.account, who.account if root else who.unique_id
    )
    by = Forwarded(
        service.name, service.service_id, call.event.access_key_id, caller.session is None
    )
    key_of = identifiers.account_of(by.key_id) or ""
    return forwarded(by, key_of, caller.session, owner, key_id, times.stored(call.now))


@implements(api.PassRole)
def pass_role(call: ServicesCall, request: api.PassRoleRequest) -> api.PassRoleResponse:
    """May the caller hand this role to the service?  A service asks before it keeps the role."""
    if call.session is None or call.session.forwarded is None:
        raise RuntimeError("PassRole was called without a forwarded session")
    role = _role(call, request.role_arn)
    keys: dict[str, ContextValue] = {"iam:passedtoservice": call.session.forwarded.service}
    if request.associated_resource_arn is not None:
        keys["iam:associatedresourcearn"] = request.associated_resource_arn
    call.authorize("iam:PassRole", role, keys)
    return api.PassRoleResponse(role_arn=role.existing().arn)


def _role(call: ServicesCall, arn: str) -> resources.Named[Role]:
    """The role that a caller hands over, of the caller's own account (iam.md 2.14)."""
    try:
        parsed = Arn.parse(arn)
    except NotAnArn:
        raise ValidationException(f"{arn} is not the ARN of a role.") from None
    role = None
    if parsed.service == "iam" and parsed.account == call.account:
        name = parsed.resource.rpartition("/")[2]
        role = call.repository.roles.named(call.transaction, call.account, name)
    known = role if role is not None and role.arn == arn else None
    return resources.with_arn(Role, parsed.account, arn, known)
