"""A client of TLS 1.2 that sends records which no library would send."""

import hashlib
import hmac
import socket
import ssl
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_HANDSHAKE = 22
_KEY_BYTES, _SALT_BYTES = 16, 4
_RANDOM = slice(11, 43)  # of the server, in the first record of its handshake (RFC 5246, 7.4.1.3)


class Crafted:
    """A connection after its handshake, with AES-128-GCM. The key log has its keys."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, log: Path) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AES128+AESGCM")
        context.keylog_filename = str(log)
        self.socket = plain
        random = self._shake_hands(context)[_RANDOM]
        client_random, master = self._secrets(log)
        # RFC 5246, 6.3 and RFC 5288, 3: the keys of both sides, then the salts of both.
        block = _expanded(master, b"key expansion" + random + client_random)
        self._cipher = AESGCM(block[:_KEY_BYTES])
        self._salt = block[2 * _KEY_BYTES : 2 * _KEY_BYTES + _SALT_BYTES]
        self._sent = 1  # records: the end of the handshake

    def _shake_hands(self, context: ssl.SSLContext) -> bytes:
        """Shake hands, and return what the server sent."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        speaking = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        received = b""
        while True:
            try:
                speaking.do_handshake()
            except ssl.SSLWantReadError:
                self.socket.sendall(outgoing.read())
                data = self.socket.recv(65_536)
                received += data
                incoming.write(data)
            else:
                return received

    @staticmethod
    def _secrets(log: Path) -> tuple[bytes, bytes]:
        [line] = [
            line.split() for line in log.read_text().splitlines() if line.startswith("CLIENT_")
        ]
        return bytes.fromhex(line[1]), bytes.fromhex(line[2])

    def record(self, data: bytes, kind: int = _HANDSHAKE) -> bytes:
        """The next record with this content (RFC 5288, 3)."""
        number = struct.pack(">Q", self._sent)
        self._sent += 1
        bound = number + struct.pack(">BHH", kind, 0x0303, len(data))
        sealed = number + self._cipher.encrypt(self._salt + number, data, bound)
        return struct.pack(">BHH", kind, 0x0303, len(sealed)) + sealed


def _expanded(secret: bytes, seed: bytes) -> bytes:
    """64 bytes of the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246, 5)."""
    expanded, chained = b"", seed
    while len(expanded) < 64:
        chained = hmac.digest(secret, chained, hashlib.sha256)
        expanded += hmac.digest(secret, chained + seed, hashlib.sha256)
    return expanded
