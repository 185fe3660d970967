"""Who is the browser at the other end, and is it on this host?  (threat-model CO-9, HF-4)

A visit is local if nothing stands between: the socket's peer and the listener are on loopback, no
proxy is trusted, no header of a proxy is there, and the Host is `localhost`.
"""

import ipaddress
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from keystead.audit.records import CONSOLE
from keystead.console import Visit
from keystead.server.door import BadForwarding, client_of, peer_of
from keystead.server.installation import Network
from keystead.wire.http import Endpoint, HttpRequest

_ENDPOINT = Endpoint(CONSOLE)
_OF_PROXIES = ("forwarded", "via", "x-real-ip")
_NOT_READ = frozenset({"authorization", "x-amz-security-token"})  # of the API's listeners


def visits(trusted: Callable[[], Sequence[Network]]) -> Callable[[MutableMapping[str, Any]], Visit]:
    """Reads the visits of ASGI scopes; raises ValueError for one that cannot be believed."""

    def read(scope: MutableMapping[str, Any]) -> Visit:
        headers = _headers(scope["headers"])
        networks = trusted()
        peer = peer_of(scope["client"], networks)
        try:
            source_ip, secure = client_of(peer, scope["scheme"] == "https", headers, networks)
        except BadForwarding as error:
            raise ValueError("a proxy forwards no address") from error
        request = HttpRequest(
            scope["method"], scope["raw_path"].decode("ascii"),
            scope["query_string"].decode("ascii"),
            {name: text for name, text in headers.items() if name not in _NOT_READ},
            b"", source_ip, secure, _ENDPOINT,
        )  # fmt: skip
        local = (
            not networks
            and peer.loopback
            and ipaddress.ip_address(scope["server"][0]).is_loopback
            and headers.get("host", "").partition(":")[0] == "localhost"
            and not any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in headers)
        )
        return Visit(request, local)

    return read


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by their names; raises ValueError for a second Host, Origin and the like."""
    headers: dict[str, str] = {}
    for raw_name, raw in pairs:
        name, text = raw_name.decode("latin-1").lower(), raw.decode("latin-1").strip()
        if name not in headers:
            headers[name] = text
        elif name == "cookie":
            headers[name] += f"; {text}"
        elif name in {"host", "origin", "content-type", "sec-fetch-site", "content-length"}:
            raise ValueError("a header that decides is there twice")
        else:
            headers[name] += f",{text}"
    return headers
