"""Encryption contexts, headers of blobs and key policies that callers send again and again.

Their meaning depends on nothing but their bytes; that of a policy also on the principals that it
names. They are kept for the account that sent them, because anybody may invent as many as they
like. Those that are refused are not kept.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.kms.ciphertext import Blob, KeyName, header_end, read_header, take_apart
from keystead.kms.encryption_context import EMPTY, EncryptionContext, checked

ROOM = Room(of_owner=256 * KIB, in_all=8 * MIB)
"""The room for contexts; headers and policies have others of the same size."""

_CONTEXT, _PAIR, _CHARACTER = 1200, 750, 6  # the bytes of a context
_HEADER = 900
_POLICY, _PRINCIPAL = 900, 400  # beside the names of the principals


class AcceptedPolicy(NamedTuple):
    """The meaning of a text that was accepted as a key policy."""

    policy_id: str
    principals: Mapping[str, str]  # the names in the text, with their unique ids


class Heard:
    """The contexts, headers and policies that were sent lately, by account."""

    __slots__ = ("_contexts", "_headers", "_policies")

    def __init__(self) -> None:
        self._contexts: BoundedCache[tuple[str, tuple[tuple[str, str], ...]], EncryptionContext] = (
            BoundedCache(ROOM)
        )
        self._headers: BoundedCache[tuple[str, bytes], tuple[KeyName, str]] = BoundedCache(ROOM)
        self._policies: BoundedCache[tuple[str, bytes], AcceptedPolicy] = BoundedCache(ROOM)

    @property
    def kept_bytes(self) -> int:
        """The cost of the caches, in bytes."""
        return self._contexts.cost + self._headers.cost + self._policies.cost

    def context(self, account: str, pairs: Mapping[str, str] | None) -> EncryptionContext:
        """The context of a request; raises ValidationException when it is too long or ambiguous."""
        if not pairs:
            return EMPTY
        key = (account, tuple(pairs.items()))
        known = self._contexts.used[key]
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

    def policy(self, account: str, said: bytes) -> AcceptedPolicy | None:
        """The policy that this account sent with a text of this hash, if it was accepted."""
        return self._policies.get((account, said))

    def accept(self, account: str, said: bytes, policy: AcceptedPolicy) -> None:
        """Remember a policy that was accepted, by the hash of its text."""
        names = sum(map(len, policy.principals))
        cost = _POLICY + _PRINCIPAL * len(policy.principals) + names
        self._policies.put((account, said), policy, account, cost)
