"""Which grants has a caller on a key?  The key as this caller's decisions see it.

A key without grants is used as it is. Of another key a view is kept for each caller, with the
caller's grants. It is kept until one of the lookups that it came from is announced, also if they
found nothing. Grants with constraints are found by the pairs of a request. So a caller who has such
grants has a view for each of the pairs, too.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from keystead.caches import MIB, Room
from keystead.kms.grants import NO_PAIR, GrantRepository, Names, Pair, names_of, pairs_asked
from keystead.kms.keys.key import Key, cost
from keystead.policy.evaluation import Keys, Principal
from keystead.store.cache import NamedCache, Noting
from keystead.store.protocol import Reader

VIEWS = Room(of_owner=4 * MIB, in_all=48 * MIB)
"""For keys with the grants of a caller, and as much again for those that a request's pairs find."""

_NAME, _CHARACTER = 300, 4  # bytes of a caller's name or a pair, and of each character of a pair

_OPERATIONS = "kms:grantoperations"  # requests to create a grant have it, and only they

_Which = tuple[str, str, Names, bool]  # the key, how it was called, the names; to create a grant?

FindKey = Callable[[Reader, str, str, str], Key | None]


class _View(NamedTuple):
    """A key with the grants of a caller that have no constraints."""

    key: Key
    constrained: Names  # the names by which the caller has others


class GrantedKeys:
    """The keys that have grants, as callers see them."""

    __slots__ = ("_constrained", "_find", "_grants", "_views")

    def __init__(self, grants: GrantRepository, find: FindKey) -> None:
        self._grants = grants
        self._find = find
        self._views: NamedCache[_Which, _View] = NamedCache(VIEWS)
        self._constrained: NamedCache[tuple[str, str, Names, bool, tuple[Pair, ...]], Key] = (
            NamedCache(VIEWS)
        )

    @property
    def kept_bytes(self) -> int:
        """The cost of the views, in bytes."""
        return self._views.kept.cost + self._constrained.kept.cost

    def of(
        self,
        reader: Reader,
        key: Key,
        who: Principal,
        keys: Keys,
        given: Keys,
    ) -> Key:
        """The key with the grants of this caller, for this request.

        `keys` are the condition keys of every request, `given` those of the operation.
        """
        names, account, creates = names_of(who), who.account, _OPERATIONS in given
        which = (key.arn_text, key.called, names, creates)
        view = self._views.get(reader, which) or self._view(reader, key, which, account)
        if not view.constrained:
            return view.key
        pairs = tuple(pairs_asked(keys, given))
        if pairs == (NO_PAIR,):
            return view.key
        known = self._constrained.get(reader, (*which, pairs))
        return known or self._with_pairs(reader, view, (*which, pairs), account)

    def _view(self, reader: Reader, key: Key, which: _Which, account: str) -> _View:
        _, _, names, creates = which
        noting, place = Noting(reader), (key.account, key.record.region, key.key_id)
        self._find(noting, *place)  # notes what the key itself depends on
        self._grants.read_ahead(noting, place, names)
        grants = self._grants.allowing(
            noting, place, key.arn_text, names, (NO_PAIR,), creates=creates
        )
        constrained = tuple(
            name for name in names if self._grants.has_constrained(noting, place, name)
        )
        view = _View(msgspec.structs.replace(key, grants=grants) if grants else key, constrained)
        own, parts = cost(view.key)
        return self._views.put(noting, which, view, account, own + _NAME * len(names), parts)

    def _with_pairs(
        self,
        reader: Reader,
        view: _View,
        which: tuple[str, str, Names, bool, tuple[Pair, ...]],
        account: str,
    ) -> Key:
        key, (_, _, names, creates, pairs) = view.key, which
        noting, place = Noting(reader), (key.account, key.record.region, key.key_id)
        self._views.get(noting, which[:4])  # notes what the view depends on
        found = self._grants.allowing(
            noting, place, key.arn_text, view.constrained, pairs, creates=creates
        )
        key = msgspec.structs.replace(key, grants=(*key.grants, *found)) if found else key
        own, parts = cost(key)
        length = sum(len(name) + len(value) for name, value in pairs)
        own += _NAME * (len(names) + len(pairs)) + _CHARACTER * length
        return self._constrained.put(noting, which, key, account, own, parts)
