"""Which request arrived, and which response leaves?  HTTP requests and responses as values.

INVARIANT: an HttpRequest was framed unambiguously. Only the door (`server`) makes one, after the
checks of threat-model HF-1 and HF-2. Header names are lower-case ASCII. No header that decides
anything occurs twice. Values have no outer blanks, and the body is complete.
"""

import msgspec


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """The way by which a request came: the listening socket says it, never a header (HF-5).

    On a listener of balancers the preface of the connection says it.
    """

    name: str = "public"
    vpce_id: str = ""  # "" = not a VPC endpoint


class HttpRequest(msgspec.Struct, frozen=True, gc=False):
    """One request, complete."""

    method: str  # as sent, upper-case
    path: str  # the raw path, percent-encoding untouched
    query: str  # the raw query, without "?"; "" when there is none
    headers: dict[str, str]  # lower-case name -> value; repeated names joined with ","
    body: bytes
    source_ip: str  # IPv4-mapped IPv6 already converted
    secure: bool  # came over TLS
    endpoint: Endpoint


class HttpResponse(msgspec.Struct, frozen=True, gc=False):
    """One answer. The door adds Date, Content-Length and Connection."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
