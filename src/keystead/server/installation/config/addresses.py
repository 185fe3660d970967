"""Which addresses, networks and Regions do the settings name?  Their texts, checked and parsed."""

import ipaddress
import re
from dataclasses import dataclass

from keystead.failures import Failure

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LISTEN = re.compile(r"\A(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})\Z")
_VPC = re.compile(r"(vpc-(?:[0-9a-f]{8}|[0-9a-f]{17}))=([0-9]{12})", re.ASCII)
_ENDPOINT = re.compile(r"\Avpce-(?:[0-9a-f]{8}|[0-9a-f]{17})\Z")
_REGION = re.compile(r"\A[a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Can only this machine reach it?"""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, *, secure: bool) -> str:
        """The URL of a client on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # it is left, not bound
        return f"{'https' if secure else 'http'}://{Address(host, self.port)}"


def parse_address(text: str, setting: str) -> Address:
    """The Address in `text`; raises Failure, which names `setting`."""
    match = _LISTEN.match(text)
    if match is None or int(match[3]) > 65_535:
        raise Failure(
            f"`{setting}`: `{text}` is not an address",
            "write `HOST:PORT`, such as `127.0.0.1:8420`, or `[::1]:8420`",
        )
    return Address(match[1] or match[2], int(match[3]))


@dataclass(frozen=True, slots=True)
class Bound:
    """An address whose connections come through a VPC endpoint."""

    address: Address
    endpoint: str


def parse_bound(text: str, setting: str) -> Bound:
    """The address and the endpoint in `text`; raises Failure, which names `setting`."""
    address, _, endpoint = text.partition("=")
    if _ENDPOINT.match(endpoint) is None:
        raise Failure(
            f"`{setting}`: `{text}` does not name an address and an endpoint",
            "write `ADDRESS=ENDPOINT`, such as `10.1.0.5:443=vpce-0123456789abcdef0`",
        )
    return Bound(parse_address(address, setting), endpoint)


def parse_vpc(text: str, setting: str) -> tuple[str, str]:
    """The VPC and the account in `text`; raises Failure, which names `setting`."""
    match = _VPC.fullmatch(text)
    if match is None:
        raise Failure(
            f"`{setting}`: `{text}` does not name a VPC and an account",
            "write `VPC=ACCOUNT`, such as `vpc-0123456789abcdef0=111122223333`",
        )
    return match[1], match[2]


def parse_network(text: str, setting: str) -> Network:
    """The network in `text`; raises Failure, which names `setting`."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise Failure(
            f"`{setting}`: `{text}` is not a network",
            "write a network such as `10.0.0.0/8`, or one address",
        ) from None


def parse_region(text: str, setting: str) -> str:
    """The text, which has the form of a Region's name; raises Failure, which names `setting`."""
    if _REGION.match(text) is None:
        raise Failure(
            f"`{setting}`: `{text}` is not a Region", "write a name such as `eu-central-1`"
        )
    return text
