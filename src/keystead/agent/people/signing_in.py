"""How does a person prove who they are?  By what was kept, else by a sign-in at the provider.

(1) A refresh token that was kept, if that was asked for. (2) Else the browser of this host, or a
code for another device. (3) What the provider gives for the next time is kept, if that was asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from keystead.agent.people.kept import Kept
from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider, Refused, Silent, Tokens
from keystead.agent.people.tokens import require_ours
from keystead.failures import Failure


class Flow(StrEnum):
    """The ways to sign in."""

    BROWSER = "browser"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that may be needed."""

    provider: Provider
    client: Client
    flow: Flow
    tell: Callable[[str], None]
    port: int = 0  # of 127.0.0.1; 0: any that is free
    keep: Path | None = None


def id_token(wanted: SignIn, patience: Patience) -> str:
    """The id token of the person; raises Failure."""
    if wanted.keep is None:
        return _signed_in(wanted, patience).id_token
    kept = Kept(wanted.keep, wanted.provider.issuer, wanted.client.client_id)
    with kept.held(patience):
        tokens = _refreshed(wanted, kept.read())  # (1)
        if tokens is None:
            tokens = _signed_in(_for_later(wanted), patience)  # (2)
            if not tokens.refresh_token:
                wanted.tell("the provider gave nothing that can be kept")
            kept.write(tokens.refresh_token)
        elif tokens.refresh_token:
            kept.write(tokens.refresh_token)  # (3)
        return tokens.id_token


def _for_later(wanted: SignIn) -> SignIn:
    """The same, with a refresh token asked for (OpenID Connect Core 1.0, 11)."""
    scopes = tuple(dict.fromkeys((*wanted.client.scopes, "offline_access")))
    return replace(wanted, client=replace(wanted.client, scopes=scopes))


def _refreshed(wanted: SignIn, refresh_token: str) -> Tokens | None:
    """New tokens without the person; None if they must sign in (RFC 6749, 6)."""
    if not refresh_token:
        return None
    client_id = wanted.client.client_id
    form = {
        "grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id
    }  # fmt: skip
    try:
        tokens = wanted.provider.tokens(form)
    except Silent as error:
        raise Failure(str(error), "try again") from None
    except Refused as refused:
        wanted.tell(f"the kept sign-in is over ({refused})")
        return None
    if not tokens.id_token:  # it may leave it out (OpenID Connect Core 1.0, 12.2)
        return None
    require_ours(tokens.id_token, wanted.provider.issuer, client_id)
    return tokens


def _signed_in(wanted: SignIn, patience: Patience) -> Tokens:
    """The tokens of a person who signs in now."""
    if wanted.flow is Flow.DEVICE:
        from keystead.agent.people import device  # noqa: PLC0415  # one of the two is needed

        tokens = device.sign_in(wanted.provider, wanted.client, wanted.tell, patience)
        require_ours(tokens.id_token, wanted.provider.issuer, wanted.client.client_id)
        return tokens
    from keystead.agent.people import browser  # noqa: PLC0415  # as above; it loads much

    return browser.sign_in(wanted.provider, wanted.client, wanted.tell, patience, wanted.port)
