"""What do both endpoints of the agent have alike?  Their answers, and who is refused unheard."""

from collections.abc import Collection

import msgspec

from keystead.wire.framing import Head

FORWARDED = ("x-forwarded-for", "forwarded", "via")
"""Headers of proxies: a request that passed one is not from a program of this host (IM-1)."""


class Answer(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "text/plain"


def is_forwarded(head: Head) -> bool:
    """Did the request pass a proxy?"""
    return any(name in head.headers for name in FORWARDED)


def names(host: str, port: int) -> frozenset[str]:
    """The values of `Host` that name this listener, and nothing else does.

    A web page whose name leads to this address sends another one.
    """
    written = f"[{host}]" if ":" in host else host
    return frozenset({f"{written}:{port}", *((written,) if port == 80 else ())})


def is_for(head: Head, allowed: Collection[str]) -> bool:
    """Does the request name one of our listeners?"""
    return head.headers.get("host", "") in allowed
