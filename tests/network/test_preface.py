"""The preface of the PROXY protocol: exactly what balancers send, and nothing else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.server.door.preface import LONGEST, BadPreface, Client, Preface
from tests.network.coming import SIGNATURE, preface, tlv

ENDPOINT = "vpce-08d2bf15fac5001c9"


def read(data: bytes, piece: int = 4096) -> Client:
    """The client of a preface that arrives in pieces; nothing after it is asked for."""
    reading, start = Preface(), 0
    while reading.wanted:
        size = min(piece, reading.wanted)
        assert start + size <= len(data), "it waits for more"
        reading.add(data[start : start + size])
        start += size
    assert start == len(data)
    return reading.client()


def test_the_example_of_the_reference() -> None:
    """The bytes of iam.md 9."""
    data = bytes.fromhex(
        "0D0A0D0A000D0A515549540A 21110026 0A000005 0A00000A C350 01BB"
        "EA0017 01 767063652D3038643262663135666163353030316339"
    )
    for piece in (1, 7, 16, 4096):
        assert read(data, piece) == Client("10.0.0.5", ENDPOINT)


@pytest.mark.parametrize(
    ("data", "client"),
    [
        (preface(), Client("10.1.0.7", "")),
        (preface(ENDPOINT, "fd00::7"), Client("fd00::7", ENDPOINT)),
        (preface(ENDPOINT, "::ffff:10.1.0.7"), Client("10.1.0.7", ENDPOINT)),
        (preface(tlvs=tlv(0x04, b"") + tlv(0x02, b"kms") + tlv(0xEE, b"\x01abcd")),
         Client("10.1.0.7", "")),
        (preface(tlvs=tlv(0xEA, b"\x02vpce-08d2bf15") + tlv(0xEA, b"")), Client("10.1.0.7", "")),
        (preface("vpce-08d2bf15", command=0x20), Client("", "")),
        (SIGNATURE + b"\x20\x00\x00\x00", Client("", "")),
    ],
)  # fmt: skip
def test_prefaces(data: bytes, client: Client) -> None:
    """Both families, other TLVs, and a balancer's own checks."""
    assert read(data) == client


GOOD = preface(ENDPOINT)


def _with(position: int, byte: int) -> bytes:
    return GOOD[:position] + bytes([byte]) + GOOD[position + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",  # version 1
        _with(0, 0x0A),
        _with(11, 0x0B),
        _with(12, 0x11),  # version 1 in this form
        _with(12, 0x22),  # no such command
        _with(13, 0x12),  # UDP
        _with(13, 0x31),  # UNIX
        _with(13, 0x00),  # unspecified
        SIGNATURE + struct.pack(">BBH", 0x21, 0x11, 11) + bytes(11),
        SIGNATURE + struct.pack(">BBH", 0x21, 0x21, 35) + bytes(35),
        SIGNATURE + struct.pack(">BBH", 0x21, 0x11, LONGEST + 1),
        SIGNATURE + struct.pack(">BBH", 0x20, 0x00, LONGEST + 1),
        preface(tlvs=b"\x04"),
        preface(tlvs=b"\x04\x00"),
        preface(tlvs=b"\x04\x00\x01"),
        preface(tlvs=struct.pack(">BH", 0xEA, 9) + b"\x01vpce"),
        preface("vpce-08d2bf15fac5001c9a"),
        preface("vpce-08D2BF15"),
        preface("vpc-08d2bf15"),
        preface(tlvs=tlv(0xEA, b"\x01")),
        preface(ENDPOINT, tlvs=tlv(0xEA, b"\x01" + ENDPOINT.encode())),  # named twice
        preface(ENDPOINT, tlvs=tlv(0xEA, b"\x01vpce-08d2bf15")),
    ],
)
def test_bad_prefaces(data: bytes) -> None:
    """Everything else is refused; the twin of most is a preface of the test before."""
    with pytest.raises(BadPreface):
        read(data)


@given(st.binary(max_size=80), st.integers(1, 40))
def test_any_bytes(data: bytes, piece: int) -> None:
    """Whatever comes, it is a client, an error, or waits for no more than 4 KiB."""
    for sent in (data, SIGNATURE + data, GOOD[:28] + data):
        reading, start = Preface(), 0
        try:
            while reading.wanted and start < len(sent):
                taken = sent[start : start + min(piece, reading.wanted)]
                reading.add(taken)
                start += len(taken)
                assert reading.wanted <= 16 + LONGEST
            if not reading.wanted:
                reading.client()
        except BadPreface:
            pass


@given(st.data())
def test_a_changed_preface(data: st.DataObject) -> None:
    """A preface with changed bytes never names an endpoint that its bytes do not name."""
    changed = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(GOOD) - 1))] = data.draw(st.integers(0, 255))
    reading = Preface()
    try:
        reading.add(bytes(changed[:16]))
        reading.add(bytes(changed[16 : 16 + reading.wanted]))
        client = reading.client() if not reading.wanted else Client("", "")
    except BadPreface:
        return
    assert client.vpce_id.encode() in bytes(changed)
