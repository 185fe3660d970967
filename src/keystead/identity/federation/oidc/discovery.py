"""Which keys does a provider publish?  (OpenID Connect Discovery 1.0, 4; threat-model OI-4)

(1) The document under `<issuer>/.well-known/openid-configuration`. (2) Its `issuer` is the
provider's URL. (3) The key set under its `jwks_uri`, on whichever host. Both within one time.

The same document says where people sign in, if they can.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keystead import strictjson
from keystead.identity.federation.oidc.keys import KeySet, NoKeys, read_keys
from keystead.identity.federation.outside import SECONDS, NotSaid, Outside, get, is_url

SCHEME = "https://"
_IN_FORM, _IN_HEADER = "client_secret_post", "client_secret_basic"
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """What an account says of a provider, as far as proofs depend on it, or what AWS knows."""

    account: str
    arn: str
    revision: str
    name: str  # its URL, without the scheme
    clients: frozenset[str]
    thumbprints: tuple[str, ...]
    built_in: bool = False  # it is everybody's: no account, and no client ids

    @property
    def url(self) -> str:
        """The issuer of its tokens."""
        return SCHEME + self.name


@dataclass(frozen=True, slots=True)
class Places:
    """Where people sign in, and where the token of their code is asked for."""

    authorization: str
    token: str
    posts_secret: bool  # it takes the client's secret in the form alone
    names_itself: bool  # it says who it is beside each code (RFC 9207)


@dataclass(frozen=True, slots=True)
class Answer:
    """The keys that a provider published, or why there are none."""

    keys: KeySet | None = field(repr=False)
    why: str = ""
    places: Places | None = None  # None: people cannot sign in there


def ask(outside: Outside, provider: Provider) -> Answer:
    """Ask a provider for its keys; in a worker's thread. Never raises for what others do."""
    until = time.monotonic() + SECONDS
    try:
        said = _document(outside, provider, until)
        keys = read_keys(get(outside, _key_place(said), provider.thumbprints, until))  # (3)
        return Answer(keys, places=_places(said))
    except (NotSaid, NoKeys) as error:
        return Answer(None, str(error))
    except ImportError:
        return Answer(None, "the extra `oidc` is not installed: run `make setup` in the checkout")


def _document(outside: Outside, provider: Provider, until: float) -> Mapping[str, Any]:
    url = provider.url.removesuffix("/") + _WELL_KNOWN
    document = get(outside, url, provider.thumbprints, until)  # (1)
    try:
        said = strictjson.loads(document)
    except strictjson.NotStrictJson as error:
        raise NoKeys(f"the discovery document is refused: {error}") from None
    if not isinstance(said, dict) or said.get("issuer") != provider.url:  # (2)
        raise NoKeys("the discovery document is of another issuer")
    return said


def _key_place(said: Mapping[str, Any]) -> str:
    where = said.get("jwks_uri")
    if not isinstance(where, str):
        raise NoKeys("the discovery document has no jwks_uri")
    return where


def _places(said: Mapping[str, Any]) -> Places | None:
    authorization, token = (said.get(f"{name}_endpoint") for name in ("authorization", "token"))
    if not (isinstance(authorization, str) and is_url(authorization)):
        return None
    if not (isinstance(token, str) and is_url(token)):
        return None
    methods = said.get("token_endpoint_auth_methods_supported")
    listed = methods if isinstance(methods, list) else []
    return Places(
        authorization,
        token,
        posts_secret=_IN_FORM in listed and _IN_HEADER not in listed,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )
