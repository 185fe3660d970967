"""How is a declined operation performed?  All of tier P3, as their rows say (`rules/declined.py`).

Find, ask, answer: what the operation is about is found, its own action is asked, and only a caller
who is allowed hears the answer of the row (threat-model 7). Nothing is ever changed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from keystead.arns import Arn, NotAnArn, iam_arn
from keystead.call import Call, Resource, Target
from keystead.errors import ValidationException
from keystead.identity import tagging
from keystead.identity.call import IamCall
from keystead.identity.names import AWS_ACCOUNT
from keystead.identity.resources import Named
from keystead.identity.rules import About, DeclinedRules, EmptyList, Missing, Refused
from keystead.policy.evaluation import AccessDenied, ContextValue
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.wire.models import iam as api

_WITH_CREDENTIALS = (
    "bedrock.amazonaws.com",
    "cassandra.amazonaws.com",
    "codecommit.amazonaws.com",
    "logs.amazonaws.com",
)
"""The services that have credentials of their own at AWS."""


Tags = Callable[[Sequence[Any] | None], Mapping[str, str]]
"""Reads the tags of a request, and refuses them in the words of the service."""


def decline(rows: Iterable[DeclinedRules], tags: Tags) -> None:
    """Register the operations of these rows, of a service that reads tags in this way."""
    for row in rows:
        implements(row.operation)(partial(_answer, row, tags))


def _answer(row: DeclinedRules, tags: Tags, call: Call, request: Any) -> Any:
    """What the row says, after its own action was asked; raises the AwsError of the row."""
    resource = _RESOURCES[row.about](call, request)
    keys = _tag_keys(request, tags)
    action, *to_tag = row.asks
    call.authorize(action, resource, keys)
    for included in to_tag if keys else ():
        call.authorize(included, resource, keys)
    if isinstance(resource, Named):
        resource.existing()
    _require_service(getattr(request, "service_name", None))
    match row.answer:
        case EmptyList(member):
            return row.operation.output(**{member: [], "is_truncated": False})
        case Missing(sentence, error):
            raise error(sentence.format(**msgspec.structs.asdict(request)))
        case Refused.DISABLED:
            raise api.FeatureDisabledException("The feature is disabled for this account.")
        case Refused.DENIED:
            raise not_implemented(call, action, resource)


def not_implemented(call: Call, action: str, resource: Resource) -> AccessDenied:
    """The refusal of an operation that nobody may perform here."""
    return AccessDenied(
        None,
        f"User: {call.principal.arn} is not authorized to perform: {action} on resource:"
        f" {resource.arn_text} because Keystead does not implement this operation",
    )


def _tag_keys(request: Any, tags: Tags) -> Mapping[str, ContextValue]:
    """`aws:RequestTag/…` and `aws:TagKeys` of requests with tags."""
    keys = getattr(request, "tag_keys", None)
    if keys is not None:
        return tagging.untag_keys(keys)
    return request_keys(tags(getattr(request, "tags", None)))


def _require_service(name: str | None) -> None:
    if name not in {None, *_WITH_CREDENTIALS}:
        raise api.ServiceNotSupportedException(
            f"The service {name} does not support service-specific credentials."
        )


def _anything(call: Call, _request: Any) -> Resource:
    return Target("*", call.account)


def _user(call: IamCall, request: Any) -> Resource:
    return call.user(request.user_name)


def _key_owner(call: IamCall, request: Any) -> Resource:
    return call.key_owner(request.user_name)


def _user_or_all(call: IamCall, request: Any) -> Resource:
    return _anything(call, request) if request.all_users else _user(call, request)


def _server_certificate(call: Call, request: Any) -> Resource:
    """A new certificate has its path in the request. No other exists, to have a path."""
    path = getattr(request, "path", None) or "/"
    arn = iam_arn(call.account, f"server-certificate{path}{request.server_certificate_name}")
    return Target(arn, call.account, "AWS::IAM::ServerCertificate")


def _delegation_request(call: Call, request: Any) -> Resource:
    name = f"delegation-request/{request.delegation_request_id}"
    return Target(iam_arn(call.account, name), call.account)


def _entity(call: Call, request: Any) -> Resource:
    """The only entities that AWS summarizes are delegation requests."""
    return _with_arn(call, request.entity_arn, "delegation-request/")


def _role_template(call: Call, request: Any) -> Resource:
    return _with_arn(call, request.template_arn, "role-template/")


def _oidc_provider(call: IamCall, request: Any) -> Resource:
    return call.oidc_provider(request.open_id_connect_provider_arn)


def _with_arn(call: Call, text: str, kind: str) -> Target:
    """What has this ARN. AWS's own things are read as the caller's, like its policies."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise ValidationException("Invalid ARN:  Could not be parsed!") from None
    if arn.service != "iam" or arn.region or not arn.account or not arn.resource.startswith(kind):
        raise api.InvalidInputException(f"ARN {text} is not valid.")
    return Target(text, call.account if arn.account == AWS_ACCOUNT else arn.account)


_RESOURCES: Mapping[About, Callable[[Any, Any], Resource]] = {
    About.ANYTHING: _anything,
    About.USER: _user,
    About.KEY_OWNER: _key_owner,
    About.USER_OR_ALL: _user_or_all,
    About.SERVER_CERTIFICATE: _server_certificate,
    About.DELEGATION_REQUEST: _delegation_request,
    About.ENTITY: _entity,
    About.ROLE_TEMPLATE: _role_template,
    About.OIDC_PROVIDER: _oidc_provider,
}
