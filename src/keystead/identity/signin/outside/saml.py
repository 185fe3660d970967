"""StartSamlSignIn, TakeSamlResponse: a person comes by a provider of SAML (sign-in.md 4.5).

A response is posted by the browser from elsewhere, without cookies of ours, and names no account.
(1) The sign-in that its RelayState names, if it began here. (2) The providers that it claims to be
of. (3) What each of them signed, for us and of now (`federation`). (4) It answers the request of
(1), or none, and then its provider lets people begin there. (5) Nobody used it before. What it
proved waits for the browser (`arrivals`).

Everything wrong has one text. The step that failed is for administrators.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from keystead.arns import NotAnArn, spoken
from keystead.errors import AwsError
from keystead.identity.call import SigninCall
from keystead.identity.federation import (
    SAML_ASSERTION,
    Assertion,
    Hints,
    IdentityProvider,
    SamlIdentity,
    ServiceProvider,
    SignOn,
    authn_request,
    form_fields,
    hints_of,
    identity_provider,
    invalid,
    judge_assertion,
    prove_for_each,
    prove_nothing,
    redirect_url,
)
from keystead.identity.names import NotAProviderArn, split_provider_arn
from keystead.identity.repository import Arrival, SamlProvider
from keystead.identity.signin.asked import (
    FederationRefused,
    SamlResponseRequest,
    StartAnswer,
    StartRequest,
    TakenAnswer,
)
from keystead.identity.signin.outside import arrivals, vouching
from keystead.identity.signin.outside.vouching import Proved
from keystead.identity.signin.sessions import records
from keystead.identity.sts import saml as sts
from keystead.work import Work

ACS = "saml"
"""The path of our assertion consumer service, below the public URL. It is our name, too."""


class _Candidates(NamedTuple):
    """The providers that a response may be of. If `is_named`, the first of them has to be one."""

    providers: tuple[IdentityProvider, ...]
    is_named: bool


def start_saml(call: SigninCall, request: StartRequest) -> StartAnswer:
    """A person begins here: the request that the browser brings to the provider."""
    with records.refusing(call):
        provider = _with_id(call, request.provider_id)
        if provider is None:
            raise FederationRefused("there is no provider of SAML with this id")
        stored = call.repository.saml_providers.sign_on(call.transaction, provider)
        if stored is None:
            raise FederationRefused(
                f"{provider.arn} has no place for requests: give it its metadata again, with a"
                " SingleSignOnService of the binding HTTP-Redirect or HTTP-POST"
            )
    records.by_provider(call, provider.arn)
    browser = arrivals.browser_of(request.browser)
    place = provider.account, provider.provider_id
    handle = arrivals.begin(call, "saml", place, arrivals.digest(browser))
    sign_on = SignOn(stored.binding, stored.location)
    document = authn_request(_request_id(call, handle), request.url + ACS, sign_on, call.now)
    if sign_on.binding == "POST":
        return StartAnswer(
            place=sign_on.location, browser=browser, fields=form_fields(document, handle)
        )
    return StartAnswer(place=redirect_url(sign_on, document, handle), browser=browser)


def take_saml_response(
    call: SigninCall, request: SamlResponseRequest
) -> TakenAnswer | Work[Hints] | Work[tuple[Assertion | str, ...]] | Work[Assertion | str]:
    """A provider's answer, in the order of the steps above."""
    with records.refusing(call):
        arrival = arrivals.find(call, request.relay_state, "saml")  # (1)
        hints = hints_of(call, request.response)  # (2)
        if isinstance(hints, Work):
            return hints
        if hints.why:
            raise FederationRefused(hints.why)
        candidates = _candidates(call, request, arrival, hints)
        if not candidates.providers:
            nothing = prove_nothing(call, request.response)
            if nothing is not None:
                return nothing
            raise FederationRefused("step 8: no provider that it names is here")
        proofs = prove_for_each(call, request.response, candidates.providers)  # (3)
        if isinstance(proofs, Work):
            return proofs
        identities = _judged(call, request, candidates, proofs)
        call.event.principal = identities[0].principal
        identities = _answering(call, request, arrival, identities)  # (4)
        first = identities[0]
        call.event.principal = first.principal
        evidence = vouching.written(tuple(_used(call, identities)))  # (5)
    if arrival is not None:
        call.repository.arrivals.delete(call.transaction, arrival)
    browser = "" if arrival is not None else arrivals.browser_of("")
    handle = arrivals.begin(
        call,
        "browser",
        (first.provider.account, first.provider.provider_id),
        arrivals.digest(browser) if arrival is None else arrival.browser,
        solicited=arrival is not None,
        evidence=evidence,
    )
    return TakenAnswer(handle=handle, browser=browser)


def _request_id(call: SigninCall, handle: str) -> str:
    """The ID of the request with this handle: nobody else can make a request with it."""
    return f"_{call.typed_names.of('saml request', handle)[:40]}"


def _with_id(call: SigninCall, provider_id: str) -> SamlProvider | None:
    """The provider with this id, in an open account."""
    providers, reader = call.repository.saml_providers, call.transaction
    hint = providers.with_id(reader, provider_id)
    return None if hint is None else _usable(call, providers.get(reader, hint.account, provider_id))


def _with_arn(call: SigninCall, arn: str) -> SamlProvider | None:
    try:
        account, name = split_provider_arn(arn, SamlProvider.kind.noun)
    except (NotAnArn, NotAProviderArn):
        return None
    stored = call.repository.saml_providers.named(call.transaction, account, name)
    return _usable(call, stored) if stored is not None and stored.arn == arn else None


def _usable(call: SigninCall, stored: SamlProvider | None) -> SamlProvider | None:
    if stored is None:
        return None
    account = call.repository.accounts.get(call.transaction, stored.account)
    return stored if account is not None and account.is_open else None


def _candidates(
    call: SigninCall, request: SamlResponseRequest, arrival: Arrival | None, hints: Hints
) -> _Candidates:
    provider_id = request.provider_id if arrival is None else arrival.provider_id
    named = _with_id(call, provider_id) if provider_id else None
    if provider_id and named is None:
        raise FederationRefused("the provider is gone, or there never was one with this id")
    others = [_with_arn(call, arn) for arn in hints.providers]
    found = {each.arn: each for each in (named, *others) if each is not None}
    providers = tuple(
        identity_provider(call.repository, call.transaction, each)
        for each in found.values()
        if hints.issuer in {"", each.issuer} or each is named
    )
    return _Candidates(providers, is_named=named is not None)


def _judged(
    call: SigninCall,
    request: SamlResponseRequest,
    candidates: _Candidates,
    proofs: Sequence[Assertion | str],
) -> list[SamlIdentity]:
    """Whom each of the providers vouches for; raises the first refusal if nobody does."""
    ours = ServiceProvider.of((request.url + ACS,), spoken(), ())
    judged = partial(_identity, ours=ours, now=call.now)
    identities = []
    first, *_ = answers = list(zip(candidates.providers, proofs, strict=True))
    for answer in answers:
        try:
            identities.append(judged(*answer))
        except AwsError:
            if candidates.is_named and answer is first:
                break
    return identities or [judged(*first)]


def _identity(
    provider: IdentityProvider, proof: Assertion | str, *, ours: ServiceProvider, now: datetime
) -> SamlIdentity:
    """Whom a provider vouches for; raises AWS's errors."""
    if isinstance(proof, str):
        raise invalid(proof, SAML_ASSERTION)
    return judge_assertion(proof, provider, ours, now)


def _answering(
    call: SigninCall,
    request: SamlResponseRequest,
    arrival: Arrival | None,
    identities: Sequence[SamlIdentity],
) -> list[SamlIdentity]:
    """Whom it signs in: it answers the request of RelayState, by its provider; or none. (SA-4)

    A provider whose account gets no role is left out, so it learns nothing of who comes.
    """
    first, ways = identities[0], list(identities)
    [confirmation] = first.assertion.confirmations
    around = first.assertion.response
    if arrival is None:
        answers = confirmation.in_response_to or around.in_response_to
        if answers is not None or arrivals.is_handle(request.relay_state):
            raise FederationRefused("step 10: it answers no request that waits (InResponseTo)")
        ways = [each for each in identities if _may_begin_there(call, each.provider)]
        if not ways:
            raise FederationRefused("the sign-in began at the provider, which is switched off")
    else:
        if first.provider.provider_id != arrival.provider_id:
            raise FederationRefused("step 10: it answers a request to another provider")
        is_signed = around.is_signed
        signed = confirmation.in_response_to or (around.in_response_to if is_signed else None)
        if signed != _request_id(call, request.relay_state):
            raise FederationRefused(
                "step 10: InResponseTo is not signed, or not that of RelayState"
            )
    return [each for each in ways if each.roles] or ways[:1]


def _may_begin_there(call: SigninCall, provider: IdentityProvider) -> bool:
    said = call.repository.sign_in_providers.get(
        call.transaction, provider.account, provider.provider_id
    )
    return said is None or bool(said.provider_initiated)


def _used(call: SigninCall, identities: Sequence[SamlIdentity]) -> Iterator[Proved]:
    """Use the assertion, once for all. A provider that refuses beside the first is left out."""
    sts.use(call, identities[0])
    for place, identity in enumerate(identities):
        try:
            bearer = sts.bearer_of(identity)
        except AwsError:
            if place:
                continue
            raise
        yield vouching.proved(bearer, identity.roles)
