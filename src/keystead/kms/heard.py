"""What do callers say again and again, and what does it mean?  Encryption contexts, blobs' headers.

Both depend on nothing but the text. They are kept for the account that says them, because anybody
may invent as many as they like; what is refused is not kept.
"""

from collections.abc import Mapping

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.kms.ciphertext import Blob, KeyName, header_end, read_header, take_apart
from keystead.kms.encryption_context import EMPTY, EncryptionContext, checked

ROOM = Room(of_owner=256 * KIB, in_all=8 * MIB)
"""For contexts, and again for headers."""

_CONTEXT, _PAIR, _CHARACTER = 800, 700, 6  # bytes that a context takes
_HEADER = 900


class Heard:
    """What was said lately, by account."""

    __slots__ = ("_contexts", "_headers")

    def __init__(self) -> None:
        self._contexts: BoundedCache[tuple[str, tuple[tuple[str, str], ...]], EncryptionContext] = (
            BoundedCache(ROOM)
        )
        self._headers: BoundedCache[tuple[str, bytes], tuple[KeyName, str]] = BoundedCache(ROOM)

    @property
    def kept_bytes(self) -> int:
        """What it takes."""
        return self._contexts.cost + self._headers.cost

    def context(self, account: str, pairs: Mapping[str, str] | None) -> EncryptionContext:
        """The context of a request; raises ValidationException when it is too long or ambiguous."""
        if not pairs:
            return EMPTY
        key = (account, tuple(pairs.items()))
        known = self._contexts.get(key)
        if known is not None:
            return known
        context = checked(pairs)
        cost = _CONTEXT + _PAIR * len(pairs) + _CHARACTER * len(context.canonical)
        return self._contexts.put(key, context, account, cost)

    def blob(self, account: str, sent: bytes) -> Blob:
        """The parts of a blob; InvalidCiphertextException for what is none."""
        header = sent[: header_end(sent)]
        key = (account, header)
        read = self._headers.get(key)
        if read is None:
            read = self._headers.put(key, read_header(header), account, _HEADER)
        return take_apart(sent, len(header), *read)
