"""By which URLs is this installation reached?  Those that the settings say, and no other (CO-4).

A program proves for which URL its request is (RFC 9449), and a code is shown only below one of
them. A Host header says nothing: whoever sends a request writes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from keystead.identity.signin import logins
from keystead.server.installation import Address, Config

_EVERYWHERE = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104  # compared, and never bound
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Places:
    """The URLs of the pages and of the API, without a path."""

    console: str
    urls: tuple[str, ...]  # of both


def places(config: Config, listening: Iterable[Address], console: str) -> Places:
    """The URLs of an installation whose API listens on these addresses."""
    secure = bool(config.tls_certificate)
    found = [console]
    if config.endpoint_url:
        found.append(config.endpoint_url)
    for address in (*listening, *(each for each in config.addresses if each.port)):
        local = address.loopback or address.host in _EVERYWHERE
        hosts = _HERE if local else (address.host,)
        found += [Address(host, address.port).url(secure=secure) for host in hosts]
    known = dict.fromkeys(logins.normal(url).rstrip("/") for url in found)
    return Places(console, tuple(url for url in known if url))
