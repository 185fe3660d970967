"""Which keys does a provider publish?  (OpenID Connect Discovery 1.0, 4; threat-model OI-4)

(1) The document under `<issuer>/.well-known/openid-configuration`. (2) Its `issuer` is the
provider's URL. (3) The key set under its `jwks_uri`, on whichever host. Both within one time.
"""

import time
from dataclasses import dataclass, field

from keystead import strictjson
from keystead.identity.federation.oidc.keys import KeySet, NoKeys, read_keys
from keystead.identity.federation.outside import SECONDS, NotSaid, Outside, get

SCHEME = "https://"
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """What an account says of a provider, as far as proofs depend on it."""

    account: str
    arn: str
    revision: str
    name: str  # its URL, without the scheme
    clients: frozenset[str]
    thumbprints: tuple[str, ...]

    @property
    def url(self) -> str:
        """The issuer of its tokens."""
        return SCHEME + self.name


@dataclass(frozen=True, slots=True)
class Answer:
    """The keys that a provider published, or why there are none."""

    keys: KeySet | None = field(repr=False)
    why: str = ""


def ask(outside: Outside, provider: Provider) -> Answer:
    """Ask a provider for its keys; in a worker's thread. Never raises for what others do."""
    until = time.monotonic() + SECONDS
    try:
        return Answer(read_keys(_key_set(outside, provider, until)))
    except (NotSaid, NoKeys) as error:
        return Answer(None, str(error))
    except ImportError:
        return Answer(None, "the extra `oidc` is not installed: pip install 'keystead[oidc]'")


def _key_set(outside: Outside, provider: Provider, until: float) -> bytes:
    url = provider.url.removesuffix("/") + _WELL_KNOWN
    document = get(outside, url, provider.thumbprints, until)  # (1)
    try:
        said = strictjson.loads(document)
    except strictjson.NotStrictJson as error:
        raise NoKeys(f"the discovery document is refused: {error}") from None
    if not isinstance(said, dict) or said.get("issuer") != provider.url:  # (2)
        raise NoKeys("the discovery document is of another issuer")
    where = said.get("jwks_uri")
    if not isinstance(where, str):
        raise NoKeys("the discovery document has no jwks_uri")
    return get(outside, where, provider.thumbprints, until)  # (3)
