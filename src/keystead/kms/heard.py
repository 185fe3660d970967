"""Encryption contexts and headers of blobs that callers send again and again, read once.

Their meaning depends on nothing but their bytes. They are kept for the account that sent them,
because anybody may invent as many as they like. Those that are refused are not kept.
"""

from collections.abc import Mapping

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.kms.ciphertext import Blob, KeyName, header_end, read_header, take_apart
from keystead.kms.encryption_context import EMPTY, EncryptionContext, checked

ROOM = Room(of_owner=256 * KIB, in_all=8 * MIB)
"""The room for contexts; headers have another of the same size."""

_CONTEXT, _PAIR, _CHARACTER = 800, 700, 6  # the bytes of a context
_HEADER = 900


class Heard:
    """The contexts and headers that were sent lately, by account."""

    __slots__ = ("_contexts", "_headers")

    def __init__(self) -> None:
        self._contexts: BoundedCache[tuple[str, tuple[tuple[str, str], ...]], EncryptionContext] = (
            BoundedCache(ROOM)
        )
        self._headers: BoundedCache[tuple[str, bytes], tuple[KeyName, str]] = BoundedCache(ROOM)

    @property
    def kept_bytes(self) -> int:
        """The cost of both caches, in bytes."""
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
        """The parts of a blob; InvalidCiphertextException for bytes that are not a blob."""
        header = sent[: header_end(sent)]
        key = (account, header)
        read = self._headers.get(key)
        if read is None:
            read = self._headers.put(key, read_header(header), account, _HEADER)
        return take_apart(sent, len(header), *read)
