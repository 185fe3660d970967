"""StartOidcSignIn, TakeOidcCode: a person comes by a provider of OpenID Connect (sign-in.md 4.6).

(1) The sign-in that `state` names, which this browser began; from here on it asks for one code. The
answer came to the redirect URI of its provider: each has its own, so a provider that leads a
browser to another one gets no code of that (mix-up; RFC 9700, 4.4).
(2) The provider, as it is now, and that it is the one that answers. (3) The ID token for the code,
which no browser sees. (4) What the token proves (`federation`): to our client, in this sign-in.
(5) The roles that a claim names, or the one that the operator gave, and the name of the session.

nonce and verifier are keyed hashes of `state`: whoever sees that cannot make them, and nothing of
them is stored.
"""

import hmac
from dataclasses import dataclass
from typing import Any

import msgspec

from keystead.identity.call import SigninCall
from keystead.identity.federation import (
    LONGEST_CODE,
    NAMED,
    Answer,
    Client,
    Flow,
    Places,
    Provider,
    WebIdentity,
    authorization_url,
    code_form,
    keys_of,
    prove,
    read_token,
    redeemed,
    require_for_us,
    said_by,
    web_provider,
)
from keystead.identity.repository import Arrival, OidcProvider, SignInProvider
from keystead.identity.signin.asked import (
    FederationRefused,
    OidcCodeRequest,
    ProviderSilent,
    SignInEnded,
    StartAnswer,
    StartRequest,
    StepAnswer,
)
from keystead.identity.signin.outside import arrivals, vouching
from keystead.identity.signin.outside.entering import outsider_signed_in
from keystead.identity.signin.outside.federated import OIDC, outsider_of
from keystead.identity.signin.sessions import records
from keystead.identity.sts import web_identity as sts
from keystead.work import Work

_LONGEST_ERROR = 64


@dataclass(frozen=True, slots=True)
class _Known:
    """A provider by which people may sign in."""

    said: SignInProvider
    provider: Provider
    client: Client


def start_oidc(call: SigninCall, request: StartRequest) -> StartAnswer | Work[Answer]:
    """A person begins here: the URL of the provider."""
    with records.refusing(call):
        hint = call.repository.oidc_providers.with_id(call.transaction, request.provider_id)
        known = hint and _known(call, hint.account, request.provider_id, request.url)
        if not known:
            raise FederationRefused(
                "there is no provider of OpenID Connect with this id for people"
            )
        places = _places(call, known)
        if isinstance(places, Work):
            return places
    said = known.said
    records.by_provider(call, known.provider.arn)
    browser = arrivals.browser_of(request.browser)
    place = said.account, said.provider_id
    state = arrivals.begin(call, "oidc", place, arrivals.digest(browser))
    url = authorization_url(places, known.client, said.scopes, _flow(call, state))
    return StartAnswer(place=url, browser=browser)


def take_oidc_code(call: SigninCall, request: OidcCodeRequest) -> StepAnswer | Work[Any]:
    """The provider sent the browser back, with a code. In the order of the steps above."""
    with records.refusing(call):
        arrival = _arrival(call, request)  # (1)
        known = _known(call, arrival.account, arrival.provider_id, request.url)  # (2)
        if known is None:
            raise FederationRefused("the provider is gone, or is for people no more")
        identity = _identity(call, request, known)
        if isinstance(identity, Work):
            if arrival.stage == "oidc":  # the code is asked about once, whatever follows
                asked = msgspec.structs.replace(arrival, stage="code")
                call.repository.arrivals.update(call.transaction, asked)
            return identity
        roles = _roles(known.said, identity)  # (5)
        bearer = sts.bearer_of(identity, _session_name(known.said, identity))
        call.repository.arrivals.delete(call.transaction, arrival)
        outsider = outsider_of(OIDC, (vouching.proved(bearer, roles),))
    return outsider_signed_in(call, outsider, request.url)


def _known(call: SigninCall, account: str, provider_id: str, url: str) -> _Known | None:
    repository, reader = call.repository, call.transaction
    stored: OidcProvider | None = repository.oidc_providers.get(reader, account, provider_id)
    said = repository.sign_in_providers.get(reader, account, provider_id)
    owner = repository.accounts.get(reader, account)
    if stored is None or said is None or not said.client_id or not (owner and owner.is_open):
        return None
    secret = repository.sign_in_providers.client_secret(said).decode()
    client = Client(said.client_id, secret, f"{url}{said.callback}")
    return _Known(said, web_provider(repository, reader, stored), client)


def _places(call: SigninCall, known: _Known) -> Places | Work[Answer]:
    """Where people sign in; raises ProviderSilent."""
    answer = said_by(call, call.provider_keys, call.outside, known.provider)
    if isinstance(answer, Work):
        return answer
    if answer.places is None:
        why = answer.why or "its discovery document names no https endpoints for people"
        raise ProviderSilent(f"{known.provider.url}: {why}")
    return answer.places


def _flow(call: SigninCall, state: str) -> Flow:
    """What ties code and token to a sign-in."""
    names = call.typed_names
    return Flow(state, names.of("nonce", state), names.of("verifier", state))


def _arrival(call: SigninCall, request: OidcCodeRequest) -> Arrival:
    arrival = arrivals.find(call, request.state, "oidc")
    if arrival is None and call.outcomes:
        arrival = arrivals.find(call, request.state, "code")
    if arrival is None:
        raise SignInEnded
    arrivals.require_browser(arrival, request.browser)
    if request.provider_id != arrival.provider_id:
        raise FederationRefused(
            "another provider answers than the one that was asked (redirect URI)"
        )
    if request.error:
        raise FederationRefused(f"the provider answered `{request.error[:_LONGEST_ERROR]}`")
    if not 0 < len(request.code) <= LONGEST_CODE:
        raise FederationRefused("the provider sent no code")
    return arrival


def _identity(call: SigninCall, request: OidcCodeRequest, known: _Known) -> WebIdentity | Work[Any]:
    """Whom the token for the code proves; at first the work to get it."""
    places = _places(call, known)
    if isinstance(places, Work):
        return places
    if (request.iss or places.names_itself) and request.iss != known.provider.url:  # RFC 9207
        raise FederationRefused("another provider answers than the one that was asked (iss)")
    flow = _flow(call, request.state)
    form = code_form(places, known.client, request.code, flow.verifier)
    came = redeemed(call, call.outside, known.provider, places, form)  # (3)
    if isinstance(came, Work):
        return came
    if came.why:
        raise FederationRefused(came.why)
    token = read_token(came.token)  # (4)
    require_for_us(token.claims, known.provider, call.now)
    keys = keys_of(call, call.provider_keys, call.outside, known.provider, token)
    if isinstance(keys, Work):
        return keys
    identity = prove(call, token, known.provider, keys, call.now)
    if isinstance(identity, Work):
        return identity
    ours = known.client.client_id
    if identity.audience != ours or identity.claims.get("azp", ours) != ours:
        raise FederationRefused("step 6: the token is for another client")
    said = identity.claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), flow.nonce.encode()):
        raise FederationRefused("step 6: the token is of another sign-in (nonce)")
    return identity


def _roles(said: SignInProvider, identity: WebIdentity) -> tuple[str, ...]:
    """The roles for which the person may ask."""
    if said.role:
        return (said.role,)
    claim = identity.claims.get(said.role_claim)
    listed = claim if isinstance(claim, list) else [claim]
    return tuple(each for each in listed if isinstance(each, str))


def _session_name(said: SignInProvider, identity: WebIdentity) -> str:
    # Some providers put the claims of scopes into the ID token only if they are told to.
    if said.name_claim not in identity.claims:
        raise FederationRefused(f"the ID token has no claim `{said.name_claim}`")
    claim = identity.claims[said.name_claim]
    if not isinstance(claim, str) or NAMED.fullmatch(claim) is None:
        raise FederationRefused(
            f"the claim `{said.name_claim}` is no name of a session: 2 to 64 of A-Z a-z 0-9"
            " _ + = , . @ -"
        )
    return claim
