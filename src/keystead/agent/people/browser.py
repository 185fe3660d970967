"""How does a person sign in with the browser of this host?  (RFC 8252, RFC 7636, RFC 9207)

(1) Listen on 127.0.0.1 (`returning`). (2) Send the browser to the provider, with the hash of a
secret (PKCE, S256), a state and a nonce. (3) Take the one answer, if it is of the provider that was
asked (RFC 9207, 2.4). (4) Redeem its code with the secret.
"""

import secrets
import webbrowser
from collections.abc import Callable
from urllib.parse import urlencode

from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider, Refused, Silent, Tokens
from keystead.agent.people.returning import Listener, Return, unheard
from keystead.agent.people.tokens import require_ours
from keystead.agent.server import Shown
from keystead.failures import Failure

_PATH = "/callback"


def sign_in(
    provider: Provider, client: Client, tell: Callable[[str], None], patience: Patience, port: int
) -> Tokens:
    """The tokens of the person at the browser; raises Failure."""
    waited, nonce = Return(), secrets.token_urlsafe(32)
    with Listener(waited, port, _PATH) as listener:  # (1)
        redirect_uri = listener.redirect_uri
        url = _url(provider, client, waited, redirect_uri, nonce)
        tell(f"sign in with your browser: {url}")
        with unheard():
            webbrowser.open(url)  # (2) if it finds none, the person opens the URL
        code = _code(provider, waited.answer(patience))  # (3)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "client_id": client.client_id, "code_verifier": waited.verifier,
    }  # fmt: skip
    try:
        tokens = provider.tokens(form)  # (4)
    except (Refused, Silent) as error:
        raise Failure(f"the provider redeems no code: {error}", "begin again") from None
    require_ours(tokens.id_token, provider.issuer, client.client_id, nonce)
    return tokens


def _url(provider: Provider, client: Client, waited: Return, redirect_uri: str, nonce: str) -> str:
    """Where the browser goes."""
    query = {
        "response_type": "code", "client_id": client.client_id, "redirect_uri": redirect_uri,
        "scope": " ".join(client.scopes), "state": waited.state, "nonce": nonce,
        "code_challenge": waited.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    if "offline_access" in client.scopes:  # OpenID Connect Core, 11
        query["prompt"] = "consent"
    endpoint = provider.endpoint("authorization_endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _code(provider: Provider, answer: dict[str, str]) -> str:
    """The code of an answer of this provider; raises Failure."""
    document = provider.document
    named = answer.get("iss")
    is_missing = named is None and document.authorization_response_iss_parameter_supported
    if is_missing or named not in {None, document.issuer}:
        raise Failure("the answer is of another provider", "begin again")
    if "error" in answer:
        why = Shown(f"{answer['error']} {answer.get('error_description', '')}".strip())
        raise Failure(f"the provider refuses: {why}", "begin again", status=1)
    code = answer.get("code")
    if code is None:
        raise Failure("the answer of the provider has no code", "tell its operator")
    return code
