"""Which client does a balancer speak for, and through which endpoint did it come?  (iam.md 9)

A connection of a trusted balancer begins with a preface of the PROXY protocol, version 2:

    signature (12) | version and command (1) | family and transport (1) | length (2)
    source address | destination address | source port (2) | destination port (2)
    then TLVs: type (1) | length (2) | value

AWS's TLV 0xEA with the subtype 0x01 names a VPC endpoint. A balancer's own health checks (LOCAL)
name no client.

The preface comes before TLS and before HTTP. It is read from the socket to its last byte, and no
byte more: the bytes that follow are the client's. Everything that is not exactly of this form ends
the connection, an endpoint that is named twice included. (HAProxy, The PROXY protocol, 2.2)
"""

import ipaddress
import re
import struct
from typing import NamedTuple

from keystead.server.door.peers import address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONGEST = 4096
"""Bytes after the head of a preface."""

_HEAD = struct.Struct(">12sBBH")
_LOCAL, _PROXY = 0x20, 0x21  # version 2, and a command
_ADDRESSES = {0x11: 4, 0x21: 16}  # bytes of an address: of TCP over IPv4, and over IPv6
_PORTS = 4
_TLV = struct.Struct(">BH")
_AWS, _AWS_ENDPOINT = 0xEA, 0x01
_ENDPOINT = re.compile(rb"vpce-(?:[0-9a-f]{8}|[0-9a-f]{17})")


class BadPreface(Exception):
    """The connection does not begin with a preface of this form."""


class Client(NamedTuple):
    """The client for which a balancer speaks."""

    ip: str  # "" for a health check of the balancer itself; IPv4-mapped IPv6 already converted
    vpce_id: str  # "" for none


class Preface:
    """A preface that is arriving."""

    __slots__ = ("_read", "_total")

    def __init__(self) -> None:
        self._read = b""
        self._total = _HEAD.size

    @property
    def wanted(self) -> int:
        """The bytes that may be read now; 0 when the preface is complete."""
        return self._total - len(self._read)

    def add(self, data: bytes) -> None:
        """Take the next bytes, at most those that are wanted; raises BadPreface."""
        self._read += data
        if not SIGNATURE.startswith(self._read[: len(SIGNATURE)]):
            raise BadPreface("it does not begin with the signature")
        if len(self._read) == _HEAD.size == self._total:
            _, command, family, length = _HEAD.unpack(self._read)
            _require_head(command, family, length)
            self._total += length

    def client(self) -> Client:
        """The client that a complete preface names; raises BadPreface."""
        _, command, family, _ = _HEAD.unpack_from(self._read)
        if command == _LOCAL:
            return Client("", "")
        size, rest = _ADDRESSES[family], memoryview(self._read)[_HEAD.size :]
        source = ipaddress.ip_address(bytes(rest[:size]))
        return Client(str(address(str(source))), _endpoint(rest[2 * size + _PORTS :]))


def _require_head(command: int, family: int, length: int) -> None:
    if command not in {_LOCAL, _PROXY}:
        raise BadPreface("it has another version or command")
    if length > LONGEST:
        raise BadPreface("it is too long")
    if command == _LOCAL:
        return
    size = _ADDRESSES.get(family)
    if size is None:
        raise BadPreface("it is of no TCP connection")
    if length < 2 * size + _PORTS:
        raise BadPreface("it is too short for its addresses")


def _endpoint(tlvs: memoryview) -> str:
    """The id of the endpoint that the TLVs name; "" for none. Other TLVs are passed over."""
    named = ""
    while tlvs:
        if len(tlvs) < _TLV.size:
            raise BadPreface("a TLV is cut off")
        kind, length = _TLV.unpack_from(tlvs)
        value, tlvs = tlvs[_TLV.size : _TLV.size + length], tlvs[_TLV.size + length :]
        if len(value) < length:
            raise BadPreface("a TLV is cut off")
        if kind != _AWS or not value or value[0] != _AWS_ENDPOINT:
            continue
        if named or not _ENDPOINT.fullmatch(value[1:]):
            raise BadPreface("it does not name one endpoint")
        named = bytes(value[1:]).decode("ascii")
    return named
