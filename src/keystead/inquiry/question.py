"""Would this be allowed here, and why?  Questions about a live installation, asked by its operator.

The principal and the resource are read from the store as a request would find them. One function
builds this question and those of enforcement (`ask`), so a decision is explained exactly as it is
made. The operator gives condition keys that only a request has (its address, its encryption
context).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from keystead.arns import Arn, NotAnArn
from keystead.call import Guardrails, Resource
from keystead.failures import Failure
from keystead.identity import anywhere, directories
from keystead.identity import resources as identities
from keystead.identity.authentication import Caller, callers
from keystead.identity.instances import instance_keys
from keystead.identity.names import AWS_ACCOUNT, NotAPolicyArn
from keystead.identity.permissions import delegation, root_access, trust
from keystead.identity.permissions import managed_policy as policies
from keystead.identity.repository import E, MfaDevice, OidcProvider, Role, SamlProvider, User
from keystead.inquiry import resources
from keystead.inquiry.entrances import NO_ENDPOINT, Through, named_endpoint
from keystead.inquiry.granted import with_grants
from keystead.inquiry.network_resources import of_network
from keystead.inquiry.sessions import supposed
from keystead.inquiry.view import InstallationView
from keystead.kms.keys import Key, over_resource
from keystead.kms.rules import add_request_keys, row_of
from keystead.policy.evaluation import (
    ContextValue,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    Question,
    ask,
    principal_keys,
)
from keystead.policy.findings import action_problem, key_problem
from keystead.policy.language import is_multi_valued
from keystead.policy.reasons import Explanation, explain, render
from keystead.policy.text import ascii_lower
from keystead.request_keys import every_request


def explain_one(installation: InstallationView, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation of one question, as data and as text for one screen."""
    action, given = str(arguments["action"]), arguments.get("context") or {}
    require_known(action, given)
    caller = supposed(
        named_caller(installation, str(arguments["principal"]), str(arguments["resource"])),
        arguments.get("session_policies") or (),
        arguments.get("scope_down_policies") or (),
    )
    facts = given_keys(given)
    named = named_resource(installation, str(arguments["resource"]), action, caller)
    question = asked(
        caller,
        action,
        with_grants(installation, named, action, caller, facts),
        facts,
        keys=every_request(installation.clock.now()),
        guardrails=installation.guardrails,
        through=named_endpoint(installation, str(arguments.get("vpc_endpoint") or "")),
    )
    explanation = explain(question)
    return {
        **as_data(explanation),
        "message": "" if explanation.decision.allowed else explanation.decision.message,
        "text": render(explanation),
    }


def require_known(action: str, keys: Iterable[str]) -> None:
    """Refuse a question about an action or condition key that does not exist; raises Failure."""
    for problem in (action_problem(action), *map(key_problem, keys)):
        if problem:
            raise Failure(problem, "correct the spelling, and ask again", status=2)


def asked(
    caller: Caller,
    action: str,
    resource: Resource,
    given: Mapping[str, ContextValue],
    *,
    keys: Mapping[str, ContextValue],
    guardrails: Guardrails,
    through: Through = NO_ENDPOINT,
) -> Question:
    """The question that a request would ask.

    `keys` are those that every request has there; the keys in `given` replace all others. `through`
    is the endpoint by which it comes.
    """
    facts = {**keys, **caller.keys, **through.keys}
    region = (resource.arn_text.split(":", 4) + [""] * 4)[3]
    if ascii_lower(action).startswith("kms:"):
        add_request_keys(facts, row_of(action), caller.principal.account, region)
    elif ascii_lower(action).startswith("ec2:") and region:
        facts["ec2:region"] = region
    return ask(
        caller.principal,
        caller.policies,
        action,
        resource,
        facts,
        given=given,
        over=over_resource(resource, guardrails.over(resource.owner)),
        endpoint=through.policy,
    )


def as_data(explanation: Explanation) -> dict[str, Any]:
    """An explanation, for machines."""
    data: dict[str, Any] = msgspec.to_builtins(explanation)
    return {"decision": explanation.decision.outcome.value, "explanation": data}


def given_keys(context: Mapping[str, list[str]]) -> dict[str, ContextValue]:
    """The given condition keys, each with one value or several, as a request would have it."""
    given = {ascii_lower(name): values for name, values in context.items()}
    return {
        name: values[0] if len(values) == 1 and not is_multi_valued(name) else tuple(values)
        for name, values in given.items()
    }


def named_caller(installation: InstallationView, arn: str, resource: str = "") -> Caller:
    """The principal with this ARN, or the service with this name, with its policies as they are.

    A service has a name in the Region of the `resource`, too.
    """
    reader, repository = installation.store.read(), installation.identities
    service = repository.services.get(reader, arn)
    if service is not None:
        return callers.service(service, (resource.split(":", 4) + [""] * 4)[3])
    if arn in {directories.PASSED_TO, anywhere.PASSED_TO}:
        own = anywhere if arn == anywhere.PASSED_TO else directories
        who = own.service_principal()
        return Caller(who, PrincipalPolicies(), principal_keys(who))
    parsed = _parsed(arn, "--principal")
    kind, _, name = parsed.resource.partition("/")
    if parsed.service == "iam" and kind == "root":
        account = repository.accounts.get(reader, parsed.account)
        if account is not None:
            return callers.root(repository, reader, account)
    if parsed.service == "iam" and kind == "user":
        user = repository.users.named(reader, parsed.account, name.rpartition("/")[2])
        if user is not None and user.arn == arn:
            return callers.user(repository, reader, user)
    if (parsed.service, kind) in {("iam", "role"), ("sts", "assumed-role")}:
        caller = _session(installation, parsed)
        if caller is not None:
            return caller
    for record in (OidcProvider, SamlProvider):
        if parsed.service == "iam" and kind == record.kind.noun:
            provider = repository.of(record).named(reader, parsed.account, name)
            if provider is not None and provider.arn == arn:
                return _bearer(arn)
    hint = (
        "give the ARN of a user, of a role or its session, of the root user of an account, or of a"
        " provider of OpenID Connect or SAML, or the name of a service"
    )
    raise Failure(f"there is no principal `{arn}`", hint, status=2)


def _bearer(provider: str) -> Caller:
    """Somebody for whom a provider vouches. Whom it vouches for is among the given keys."""
    who = Principal(PrincipalType.FEDERATED, provider, "", "", issuer_arn=provider)
    return Caller(who, PrincipalPolicies(), principal_keys(who))


def _session(installation: InstallationView, arn: Arn) -> Caller | None:
    """A session of the role with exactly this ARN, or the session with this one."""
    reader, repository = installation.store.read(), installation.identities
    _, _, name = arn.resource.partition("/")
    if arn.service == "iam":
        role = repository.roles.named(reader, arn.account, name.rpartition("/")[2])
        known = role is not None and role.arn == str(arn)
        return callers.any_session(repository, reader, role) if role and known else None
    called, _, session = name.partition("/")
    role = repository.roles.named(reader, arn.account, called)
    if role is None or role.name != called or not session:
        return None
    caller = callers.role(repository, reader, role, session)
    of_instance = instance_keys(repository, reader, role, session)
    return replace(caller, keys={**caller.keys, **of_instance})


class _Live:
    """The keys and identities of a live installation. (resources.Known)"""

    hint = "give the ARN that `aws kms describe-key` or `aws kms list-aliases` shows"

    def __init__(self, installation: InstallationView) -> None:
        self._installation = installation
        self._keys = installation.keys
        self._identities = installation.identities
        self._reader = installation.store.read()

    def key(self, account: str, region: str, key_id: str) -> Key | None:
        return self._keys.key(self._reader, account, region, key_id)

    def key_by_alias(self, account: str, region: str, name: str) -> Key | None:
        return self._keys.key_by_alias(self._reader, account, region, name)

    def identity(self, arn: Arn) -> Resource | None:
        match arn.resource.partition("/")[0]:
            case "user":
                return self._entity(User, arn)
            case "role":
                return self._entity(Role, arn)
            case "policy":
                return self._policy(arn)
            case "mfa":
                return self._device(arn)
        return None

    def assumable(self, arn: Arn) -> Resource | None:
        role = self._named(Role, arn)
        return None if role is None else trust.assumable(self._identities, role)

    def root_user(self, account: str) -> Resource:
        return root_access.asked_about(self._identities, self._reader, account)

    def network_part(self, arn: Arn) -> Resource | None:
        return of_network(self._installation, arn)

    def organization_part(self, arn: Arn, action: str) -> Resource:
        return delegation.asked_about(self._identities, self._reader, str(arn), arn.account, action)

    def _entity(self, record: type[E], arn: Arn) -> Resource | None:
        known = self._named(record, arn)
        return None if known is None else identities.entity(record, arn.account, known.name, known)

    def _named(self, record: type[E], arn: Arn) -> E | None:
        name = arn.resource.rpartition("/")[2]
        known = self._identities.of(record).named(self._reader, arn.account, name)
        return known if known is not None and known.arn == str(arn) else None

    def _device(self, arn: Arn) -> Resource | None:
        name = arn.resource.partition("/")[2]
        known = self._identities.mfa_devices.named(self._reader, arn.account, name)
        if known is None or known.arn != str(arn):
            return None
        return identities.with_arn(MfaDevice, arn.account, known.arn, known)

    def _policy(self, arn: Arn) -> Resource | None:
        if arn.account == AWS_ACCOUNT:  # AWS's own have no tags
            return None
        try:
            policy = policies.with_arn(self._identities, self._reader, arn.account, str(arn))
        except NotAPolicyArn:
            return None
        return None if policy is None else identities.policy(str(arn), arn.account, policy)


def named_resource(
    installation: InstallationView, arn: str, action: str, caller: Caller
) -> Resource:
    """The resource of a request with this action, by this caller; raises Failure."""
    return resources.named(_Live(installation), arn, action, caller.principal.account)


def _parsed(arn: str, option: str) -> Arn:
    try:
        return Arn.parse(arn)
    except NotAnArn:
        raise Failure(
            f"`{arn}` is not an ARN", f"give a whole ARN with {option}", status=2
        ) from None
