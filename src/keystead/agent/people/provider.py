"""What does a provider of identities say?  (OpenID Connect Discovery 1.0; RFC 6749, RFC 8628)

Bounded requests over TLS to the provider that the person named, and to the endpoints that its
document names. A redirection is never followed. What it says is shown without control characters.
"""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

import msgspec

from keystead import strictjson
from keystead.agent.server import TIMEOUT, Shown, in_time, trusting
from keystead.failures import Failure, cause_of

_LONGEST = 256 * 1024  # bytes of an answer
_DOCUMENT = "/.well-known/openid-configuration"

T = TypeVar("T")


class Refused(Exception):
    """The provider refused, with a code of RFC 6749 or RFC 8628."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code


class Silent(Exception):
    """The provider does not answer now; it can be asked again."""


@dataclass(frozen=True, slots=True)
class Client:
    """The program, as the provider knows it: a public client, which has no secret."""

    client_id: str
    scopes: tuple[str, ...] = ("openid",)


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint. Its access token is not used, and not read."""

    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """Where its endpoints are."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str = ""
    device_authorization_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class _Problem:
    error: str
    error_description: str = ""


class Provider:
    """One provider, by its issuer URL; raises Failure where it cannot be used."""

    def __init__(self, issuer: str, ca_file: str = "") -> None:
        if _parts(issuer) is None or "?" in issuer:
            raise Failure(
                f"`{Shown(issuer)}` is not the URL of an issuer", "write it as `https://HOST/PATH`"
            )
        self.issuer = issuer
        self._context = trusting(ca_file)

    @cached_property
    def document(self) -> Document:
        """What it says of itself, read once."""
        url = self.issuer.rstrip("/") + _DOCUMENT
        try:
            status, body = _sent(url, None, self._context)
        except Silent as error:
            raise Failure(str(error), "see that the issuer's URL is right, and reachable") from None
        if status != 200:
            raise Failure(
                f"`{url}` answers with status {status}", "see that the issuer's URL is right"
            )
        document = _read(body, Document)
        if document is None:
            raise Failure(f"`{url}` is no document of a provider", "see the issuer's URL")
        if document.issuer != self.issuer:
            raise Failure(
                f"the provider calls itself `{Shown(document.issuer)}`, not `{self.issuer}`",
                "write the issuer as the provider does, with or without a final `/`",
            )
        return document

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint; raises Failure if the provider has none."""
        url = str(getattr(self.document, name))
        if not url:
            raise Failure(f"the provider has no `{name}`", "use the other --flow")
        if _parts(url) is None:
            raise Failure(f"the provider's `{name}` is no https URL", "tell its operator")
        return url

    def ask(self, endpoint: str, form: Mapping[str, str], kind: type[T]) -> T:
        """The answer to a form; raises Refused, Silent or Failure."""
        url = self.endpoint(endpoint)
        status, body = _sent(url, urlencode(form).encode(), self._context)
        answer = _read(body, kind) if status == 200 else None
        if answer is not None:
            return answer
        problem = _read(body, _Problem) if 400 <= status < 500 else None
        if problem is not None:
            raise Refused(Shown(problem.error), Shown(problem.error_description))
        raise Failure(f"`{url}` answers with status {status}, and nothing that is known",
                      "tell the provider's operator")  # fmt: skip

    def tokens(self, form: Mapping[str, str]) -> Tokens:
        """The tokens for a grant; raises as `ask` does."""
        return self.ask("token_endpoint", form, Tokens)


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that can be asked; None for any other text."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}#@')
    return parts if plain and parts.scheme == "https" and parts.hostname else None


def _sent(url: str, form: bytes | None, context: ssl.SSLContext) -> tuple[int, bytes]:
    """Status and body of the answer to a GET, or to a POST of a form; raises Silent."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        str(parts.hostname), parts.port or 443, timeout=TIMEOUT, context=context
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept": "application/json", "User-Agent": "keystead"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        with in_time(connection):
            connection.request("GET" if form is None else "POST", path, form, headers)
            response = connection.getresponse()
            body = response.read(_LONGEST + 1)
            is_whole = not response.length or len(body) > _LONGEST
    except ssl.SSLCertVerificationError as error:
        raise Failure(
            f"the certificate of `{parts.hostname}` is not believed: {error.verify_message}",
            "name its authority with --issuer-ca",
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise Silent(f"`{parts.hostname}` does not answer: {Shown(cause_of(error))}") from None
    if not is_whole:
        raise Silent(f"`{parts.hostname}` does not answer to the end")
    if len(body) > _LONGEST or response.status >= 500:
        raise Silent(f"`{parts.hostname}` answers with status {response.status}")
    return response.status, body


def _read(body: bytes, kind: type[T]) -> T | None:
    """JSON of this kind; None for anything else."""
    try:
        return msgspec.convert(_json(body), kind)
    except ValueError:  # msgspec's error is one, too
        return None


def _json(body: bytes) -> Any:
    value = strictjson.loads(body)
    if isinstance(value, dict):  # a member that is null is one that is not there
        return {name: each for name, each in value.items() if each is not None}
    return value
