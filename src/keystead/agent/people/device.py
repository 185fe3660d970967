"""How does a person sign in on another device?  By a code (RFC 8628).

(3.1) Ask for a code. (3.3) Show it, and where it is to be entered. (3.4) Ask again and again
whether it was, not more often than the provider wants (3.5), until the code or our patience ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider, Refused, Silent, Tokens
from keystead.agent.server import Shown
from keystead.failures import Failure

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USUAL_INTERVAL, _MORE = 5.0, 5.0  # seconds (3.2, 3.5)


@dataclass(frozen=True, slots=True)
class _Code:
    """What 3.2 gives."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_in: float
    verification_uri_complete: str = ""
    interval: float = _USUAL_INTERVAL


def sign_in(
    provider: Provider, client: Client, tell: Callable[[str], None], patience: Patience
) -> Tokens:
    """The tokens of the person who enters the code; raises Failure."""
    form = {"client_id": client.client_id, "scope": " ".join(client.scopes)}
    try:
        code = provider.ask("device_authorization_endpoint", form, _Code)  # (3.1)
    except (Refused, Silent) as error:
        raise Failure(
            f"the provider gives no code: {error}", "the client must be allowed the device flow"
        ) from None
    tell(f"open {Shown(code.verification_uri)} and enter the code {Shown(code.user_code)}")
    if code.verification_uri_complete:
        tell(f"or open {Shown(code.verification_uri_complete)}")
    return _awaited(provider, client, code, patience.at_most(code.expires_in))


def _awaited(provider: Provider, client: Client, code: _Code, patience: Patience) -> Tokens:
    interval = max(code.interval, 1.0)
    form = {
        "grant_type": _GRANT, "device_code": code.device_code, "client_id": client.client_id
    }  # fmt: skip
    while patience.left > interval:
        patience.wait(interval)
        try:
            return provider.tokens(form)  # (3.4)
        except Silent:
            interval *= 2  # (3.5) as after a connection that timed out
        except Refused as refused:
            if refused.code == "slow_down":  # (3.5)
                interval += _MORE
            elif refused.code == "access_denied":
                raise Failure("the sign-in was refused", "begin again", status=1) from None
            elif refused.code == "expired_token":
                break
            elif refused.code != "authorization_pending":
                raise Failure(f"the provider refuses: {refused}", "begin again") from None
    raise Failure("the code was not entered in time", "begin again", status=1)
