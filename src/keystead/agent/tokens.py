"""Which metadata tokens count?  Those that this agent gave, for their time (threat-model IM-1).

    version (1) | seconds since the epoch at which it ends (8) | random (16) | HMAC-SHA256 (32)

Nothing is kept of a token, so nobody can make the agent keep much. The key is derived from the
agent's own key, and the instance is in the MAC: a restart ends no token, another enrolment all.
"""

import base64
import binascii
import hmac
import re
from datetime import datetime
from os import urandom

LONGEST = 21_600  # seconds
_VERSION = b"\x01"
_LABEL = b"keystead agent 1 metadata tokens"
_TTL = re.compile(r"[0-9]{1,5}")
_TEXT = re.compile(r"[A-Za-z0-9_-]{76}")


class Tokens:
    """Gives and checks tokens."""

    __slots__ = ("_instance_id", "_key")

    def __init__(self, seed: bytes, instance_id: str) -> None:
        self._key = hmac.digest(seed, _LABEL, "sha256")
        self._instance_id = instance_id.encode()

    def give(self, seconds: int, now: datetime) -> str:
        """A token for so many seconds."""
        ends = int(now.timestamp()) + seconds
        content = _VERSION + ends.to_bytes(8, "big") + urandom(16)
        return base64.urlsafe_b64encode(content + self._mac(content)).decode()

    def is_valid(self, text: str, now: datetime) -> bool:
        """Did we give this token, and is it still time?"""
        if not _TEXT.fullmatch(text):
            return False
        try:
            token = base64.urlsafe_b64decode(text)
        except binascii.Error:
            return False
        content, mac = token[:25], token[25:]
        if content[:1] != _VERSION or not hmac.compare_digest(self._mac(content), mac):
            return False
        return now.timestamp() < int.from_bytes(content[1:9], "big")

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content + self._instance_id, "sha256")


def lifetime(text: str | None) -> int | None:
    """The seconds that a caller asks for; None for what is none."""
    if text is None or not _TTL.fullmatch(text):
        return None
    seconds = int(text)
    return seconds if 1 <= seconds <= LONGEST else None
