"""Why was this request refused, and would it be today?  The operator asks, by request id.

A refusal is explained by its own question, as it was asked then. It does not matter which policies
exist now, or whether the principal and the resource still exist. The decision that the same request
would get today is told too, if it can be found. That is so for users and root users, about keys and
about resources that have neither a policy nor condition keys of their own.
"""

from collections.abc import Mapping
from typing import Any

from keystead.arns import Arn, NotAnArn
from keystead.audit.records import printable
from keystead.call import Resource, Target
from keystead.failures import Failure
from keystead.identity.authentication import Caller, callers
from keystead.inquiry.question import as_data
from keystead.inquiry.view import InstallationView
from keystead.policy.evaluation import (
    NO_KEYS,
    OverAccount,
    Principal,
    PrincipalType,
    Question,
    RefusedQuestion,
    RequestContext,
    ask,
    evaluate,
)
from keystead.policy.reasons import explain, render

_LONGEST_ID = 256
_BY_ALIAS = "kms:requestalias"
_GONE = "it cannot be decided any more"
_DIFFERS = "evaluated again, the same question is allowed: please report this as a defect"
_BY_RULE, _BY_PROOF = "RefusedByRule", "NotProved"
_RULE = f"{_BY_RULE}  the service itself refuses this to such a caller; no policy can change that"


def explain_refusal(installation: InstallationView, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation of a refusal, as data and as text for one screen."""
    request_id = str(arguments["id"])
    known = len(request_id) <= _LONGEST_ID and request_id.isascii()
    reader = installation.store.read()
    refusal = installation.refusals.find(reader, request_id.lower()) if known else None
    if refusal is None:
        raise Failure(
            f"there is no refusal `{request_id}`",
            "give the request id of a call that was denied access in the last days;"
            " `keystead audit show` has every call",
            status=2,
        )
    told = {
        "requestId": refusal.request_id,
        "time": refusal.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": refusal.message,
    }
    if refusal.why:
        why = f"{_BY_PROOF}  {printable(refusal.why)}"
        told = {**told, "decision": _BY_PROOF, "why": refusal.why}
        return {**told, "explanation": None, "text": _text(told, why)}
    if refusal.asked is None:
        return {**told, "decision": _BY_RULE, "explanation": None, "text": _text(told, _RULE)}
    if installation.refusals.has_message(refusal):
        now = installation.clock.now()
        told["authorizationMessage"] = installation.refusals.message(refusal, now)
    if today := _today(installation, refusal.asked):
        told["today"] = today
    explanation = explain(refusal.asked.question)
    if explanation.decision.allowed:
        told["differs"] = _DIFFERS
    return {**told, **as_data(explanation), "text": _text(told, render(explanation))}


def _text(told: Mapping[str, str], explained: str) -> str:
    """A refusal for one screen."""
    lines = [
        f"refusal     {told['requestId']}",
        f"time        {told['time']}",
        f"told        {told['message']}",
    ]
    if "today" in told:
        lines.append(f"today       {told['today']}")
    if "differs" in told:
        lines.append(f"differs     {told['differs']}")
    return "\n".join((*map(printable, lines), "", explained))


_CHANGING = ("aws:principaltag/", "aws:principalorg")
"""The keys of a caller that may be gone today."""


def _today(installation: InstallationView, asked: RefusedQuestion) -> str:
    """The decision that the same request would get now; "" when that cannot be told."""
    context, policies = asked.question.context, asked.question.policies
    if context.principal.type not in (PrincipalType.USER, PrincipalType.ACCOUNT):
        return ""
    if policies.principal.session:  # the session that had them may be over
        return ""
    if not _is_key(context) and (asked.described or policies.resource_based):
        return ""
    caller = _caller_today(installation, context.principal)
    resource = _resource_today(installation, context)
    if caller is None or resource is None:
        return f"{_GONE}: the {'principal' if caller is None else 'resource'} is gone"
    over = installation.guardrails.over(resource.owner)
    return evaluate(_question_today(asked, caller, resource, over)).outcome.value


def _question_today(
    asked: RefusedQuestion, caller: Caller, resource: Resource, over: OverAccount
) -> Question:
    """The same request, with the facts of now about its caller and its resource."""
    context, policies = asked.question.context, asked.question.policies
    request = {
        name: value
        for name, value in context.keys.items()
        if name not in asked.described and not name.startswith(_CHANGING)
    }
    return ask(
        caller.principal,
        caller.policies,
        context.action,
        resource,  # an alias may name another key now
        NO_KEYS,
        given={**request, **caller.keys},
        over=over,
        endpoint=policies.endpoint,
        across_accounts=policies.cross_account_allowed,
    )


def _caller_today(installation: InstallationView, principal: Principal) -> Caller | None:
    """The same principal with its policies of now, or None."""
    reader, repository = installation.store.read(), installation.identities
    if principal.type is PrincipalType.ACCOUNT:
        account = repository.accounts.get(reader, principal.account)
        return callers.root(repository, reader, account) if account else None
    user = repository.users.get(reader, principal.account, principal.unique_id)
    return callers.user(repository, reader, user) if user else None


def _resource_today(installation: InstallationView, context: RequestContext) -> Resource | None:
    """The same key with its policy of now, or None; another resource has no policy of its own."""
    if not _is_key(context):
        return Target(context.resource, context.resource_account)
    arn, alias = Arn.parse(context.resource), context.keys.get(_BY_ALIAS)
    reader, keys = installation.store.read(), installation.keys
    if isinstance(alias, str):
        return keys.key_by_alias(reader, arn.account, arn.region, alias)
    key_id = arn.resource.removeprefix("key/")
    return keys.key(reader, arn.account, arn.region, key_id)


def _is_key(context: RequestContext) -> bool:
    try:
        arn = Arn.parse(context.resource)
    except NotAnArn:
        return False
    return arn.service == "kms" and arn.resource.startswith("key/")
