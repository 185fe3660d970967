"""DescribeArrival, ContinueSignIn: the browser that began goes on, with what its provider proved.

The way of each kind of provider from here on is that of everybody from outside (`entering`): the
roles that the proof names are its choices, and STS's own decision is asked about each.
"""

from functools import partial

from keystead.arns import Arn, NotAnArn
from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.names import split_provider_arn
from keystead.identity.repository import OidcProvider, SamlProvider
from keystead.identity.sessions import Session
from keystead.identity.signin.asked import ArrivalAnswer, ArrivalRequest, StepAnswer
from keystead.identity.signin.outside import arrivals, vouching
from keystead.identity.signin.outside.entering import outsider_signed_in
from keystead.identity.signin.outside.vouching import Evidence, Proved
from keystead.identity.signin.sessions import SESSION_SECONDS, WAYS, Choice, Outsider, Way, records
from keystead.identity.sts import vouched
from keystead.policy.evaluation import AccessDenied

SAML, OIDC = "saml", "oidc"
_OPERATIONS = {SAML: "AssumeRoleWithSAML", OIDC: "AssumeRoleWithWebIdentity"}
_KINDS = {SAML: SamlProvider.kind.noun, OIDC: OidcProvider.kind.noun}
_GONE = "The role does not let you in."


def describe_arrival(call: SigninCall, request: ArrivalRequest) -> ArrivalAnswer:
    """Who comes?  Asked before a page says as whom somebody may go on."""
    with records.refusing(call):
        arrival = arrivals.of_browser(call, request.handle, request.browser, clicked=False)
        [first, *_] = vouching.read(call.repository.arrivals.evidence(arrival))
    records.by_provider(call, first.provider)
    return ArrivalAnswer(
        name=first.name, provider=first.provider, solicited=bool(arrival.solicited)
    )


def continue_sign_in(call: SigninCall, request: ArrivalRequest) -> StepAnswer:
    """The browser that began has what its provider proved: once."""
    with records.refusing(call):
        arrival = arrivals.of_browser(
            call, request.handle, request.browser, clicked=request.clicked
        )
        evidence = vouching.read(call.repository.arrivals.evidence(arrival))
        call.repository.arrivals.delete(call.transaction, arrival)
        outsider = outsider_of(SAML, evidence)
    return outsider_signed_in(call, outsider, request.url)


def outsider_of(way: str, evidence: Evidence) -> Outsider:
    """Somebody for whom these providers vouch; raises FederationRefused if they say too much."""
    first = evidence[0]
    choices = dict.fromkeys(
        Choice(role, each.provider)
        for each in evidence
        for role in each.roles
        if _is_beside(role, each, _KINDS[way])
    )
    account, _ = split_provider_arn(first.provider, _KINDS[way])
    return Outsider(
        way=way,
        name=first.name,
        subject=first.user_id,
        provider=first.provider,
        account=account,
        evidence=vouching.written(evidence),
        choices=tuple(choices),
    )


def _is_beside(role: str, said: Proved, kind: str) -> bool:
    """Is it the ARN of a role in the account of the provider?  (SA-6)"""
    try:
        arn = Arn.parse(role)
    except NotAnArn:
        return False
    account, _ = split_provider_arn(said.provider, kind)
    named = arn.service == "iam" and arn.resource.startswith("role/")
    return named and not arn.region and arn.account == account


def _decide(way: str, call: SigninCall, outsider: Outsider, choice: Choice) -> Session:
    """The session of a role by what a provider proved; raises AccessDenied."""
    evidence = vouching.read(outsider.evidence)
    said = next((each for each in evidence if each.provider == choice.provider), None)
    if said is None or choice.role not in said.roles:
        raise AccessDenied(None, _GONE, why="the provider did not name the role")
    if way == OIDC and not _is_for_people(call, choice):
        raise AccessDenied(
            None, _GONE, why="the provider is for people no more, or for other roles"
        )
    call.bears(said.principal)
    action = f"sts:{_OPERATIONS[way]}"
    session = vouched.signed_in(call, action, choice.role, said.bearer, SESSION_SECONDS)
    if session.expires <= times.stored(call.now):  # it took the person too long to choose
        raise AccessDenied(None, _GONE, why="the person's session at the provider is over")
    return session


def _is_for_people(call: SigninCall, choice: Choice) -> bool:
    """Does the operator still let people in by this provider of OpenID Connect, to this role?"""
    account, name = split_provider_arn(choice.provider, _KINDS[OIDC])
    repository, reader = call.repository, call.transaction
    stored = repository.oidc_providers.named(reader, account, name)
    if stored is None:
        return False
    said = repository.sign_in_providers.get(reader, account, stored.provider_id)
    return said is not None and bool(said.client_id) and said.role in {"", choice.role}


WAYS.update({way: Way(event, partial(_decide, way)) for way, event in _OPERATIONS.items()})
