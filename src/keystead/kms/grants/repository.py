"""How are grants stored and found?

A decision reads the statements for the caller's own names, of which there are at most three. With
constraints it reads also those for each pair of the request. These are point look-ups, and at most
`MOST_ALIKE` rows each. Lists are read in the order of the grants' ids, which no change of others
moves.
"""

from collections.abc import Iterable, Sequence

import msgspec

from keystead.custody.rows import Asked, Lookup, RowIntegrityError, RowSeals, SealedTable
from keystead.kms.grants import grant as meaning
from keystead.kms.grants.grant import Part
from keystead.kms.grants.needed import needed
from keystead.kms.grants.records import (
    NO_PAIR,
    GrantCount,
    GrantRecord,
    Mark,
    Pair,
    Place,
    StatementRecord,
    found_at,
    mark_of,
)
from keystead.policy.evaluation import PolicySource
from keystead.store.protocol import Reader, Transaction

MOST_ALIKE = 32
"""The most different permissions of one grantee on one key that no pair tells apart.

Equal grants count once. A grant with constraints goes to the pair with the fewest others, so that
this is reached only where grants differ in nothing but their operations.
"""

REMOVED_AT_ONCE = 30
"""The grants of a destroyed key that one step removes: they take some five to ten milliseconds."""

_TOGETHER = 6  # lookups of one statement: SQLite keeps a few hundred different ones prepared
_KEY = ("account", "region", "key_id")
_GRANT = (*_KEY, "grant_id")
_SAME = (*_KEY, "same")
_FOUND = ("account", "place")
_MARK = ("account", "mark")


class TooManyAlike(Exception):
    """The grantee has `MOST_ALIKE` permissions that no pair tells apart from another one."""


class GrantRepository:
    """The tables of grants."""

    def __init__(self, seals: RowSeals) -> None:
        self._seals = seals
        self._grants = SealedTable(
            seals, "kms_grants", GrantRecord, _GRANT, (Lookup(_GRANT), Lookup(_SAME))
        )
        self._statements = SealedTable(
            seals,
            "kms_grant_statements",
            StatementRecord,
            (*_FOUND, "part", "permission"),
            (Lookup(_FOUND),),
        )
        self._marks = SealedTable(seals, "kms_grant_marks", Mark, _MARK, (Lookup(_MARK),))
        self._counts = SealedTable(seals, "kms_grant_counts", GrantCount, _KEY, (Lookup(_KEY),))

    # Finding

    def has_any(self, reader: Reader, place: Place) -> bool:
        """Has this key a grant?"""
        return self._marks.get(reader, place[0], mark_of(place)) is not None

    def asks_any(self, place: Place) -> Asked:
        """What `has_any` is going to ask."""
        return self._marks.asks(_MARK, place[0], mark_of(place))

    def has_constrained(self, reader: Reader, place: Place, grantee_id: str) -> bool:
        """Has this grantee a grant with constraints on this key?"""
        return self._marks.get(reader, place[0], mark_of(place, grantee_id)) is not None

    def read_ahead(self, reader: Reader, place: Place, grantees: Iterable[str]) -> None:
        """Read with one statement what decisions about these grantees ask first."""
        names = list(grantees)
        at = [found_at(place, name, NO_PAIR) for name in names]
        marks = [self._marks.asks(_MARK, place[0], mark_of(place, name)) for name in names]
        self._ahead(reader, [*marks, *(self._statements.asks(_FOUND, place[0], a) for a in at)])

    def get(self, reader: Reader, place: Place, grant_id: str) -> GrantRecord | None:
        """The grant with this id on this key."""
        return self._grants.get(reader, *place, grant_id)

    def same(self, reader: Reader, place: Place, same: str) -> GrantRecord | None:
        """The grant that a request with this name and these parameters made before."""
        return self._grants.only(reader, _SAME, *place, same)

    def counted(self, reader: Reader, place: Place) -> GrantCount | None:
        """How many grants the key has; None: it never had one."""
        return self._counts.get(reader, *place)

    def allowing(
        self,
        reader: Reader,
        place: Place,
        key_arn: str,
        grantees: Iterable[str],
        pairs: Sequence[Pair],
        *,
        creates: bool,
    ) -> tuple[PolicySource, ...]:
        """The statements of these grantees' grants that may allow a request with these pairs.

        `creates`: the request is to create a grant. Statements that cannot allow it, or that allow
        no more than another one, are left out: a statement costs ten times what its row does.
        """
        by_grantee = [
            [found_at(place, grantee_id, pair) for pair in pairs] for grantee_id in grantees
        ]
        places = [at for every in by_grantee for at in every]
        self._ahead(reader, [self._statements.asks(_FOUND, place[0], at) for at in places])
        rows = {at: self._found(reader, place, at) for at in places}
        grants = [self._grants.asks(_GRANT, *row.granted_by) for at in places for row in rows[at]]
        self._ahead(reader, grants)
        return tuple(
            meaning.as_statement(grant, part, key_arn)
            for every in by_grantee
            for part, grant in needed(
                ((Part(row.part), self._behind(reader, row)) for at in every for row in rows[at]),
                pairs,
                creates=creates,
            )
        )

    def _ahead(self, reader: Reader, asked: Sequence[Asked]) -> None:
        """Read some of these lookups with each statement."""
        for first in range(0, len(asked), _TOGETHER):
            self._seals.read_ahead(reader, asked[first : first + _TOGETHER])

    def _found(self, reader: Reader, place: Place, at: str) -> list[StatementRecord]:
        return self._statements.of(reader, _FOUND, place[0], at, order="part, permission")

    def _behind(self, reader: Reader, row: StatementRecord) -> GrantRecord:
        """The grant of a statement; it is there as long as the statement is."""
        grant = self._grants.get(reader, *row.granted_by)
        if grant is None or meaning.permission(grant, Part(row.part)) != row.permission:
            raise RowIntegrityError("kms_grants", (row.account, row.key_id, row.grant_id))
        return grant

    def after(
        self, reader: Reader, place: Place, grant_id: str, count: int, grantee_id: str = ""
    ) -> list[GrantRecord]:
        """The next grants on a key by id; those of one grantee, if one is given."""
        where, values = "account = ? AND region = ? AND key_id = ?", [*place]
        if grantee_id:
            where, values = f"{where} AND grantee_id = ?", [*values, grantee_id]
        where = f"{where} AND grant_id > ? ORDER BY grant_id LIMIT ?"
        return self._grants.find(reader, where, [*values, grant_id, count])

    def retirable_after(
        self, reader: Reader, region: str, retirer_id: str, after: tuple[str, ...], count: int
    ) -> list[GrantRecord]:
        """The next grants that a principal may retire, by the account of the key, key and id."""
        return self._grants.find(
            reader,
            "retirer_id = ? AND retirer_id <> '' AND region = ?"
            " AND (account, key_id, grant_id) > (?, ?, ?)"
            " ORDER BY account, key_id, grant_id LIMIT ?",
            (retirer_id, region, *after, count),
        )

    # Changing

    def add(self, transaction: Transaction, grant: GrantRecord, counted: GrantCount | None) -> None:
        """Remember a new grant. `counted` are the key's grants so far. Raises TooManyAlike."""
        place = grant.place
        new = [part for part in meaning.parts(grant) if not self._alike(transaction, grant, part)]
        self._grants.insert(transaction, grant)
        for part in new:
            self._state(transaction, grant, part)
        self._mark(transaction, place, mark_of(place))
        if grant.is_constrained:
            self._mark(transaction, place, mark_of(place, grant.grantee_id))
        if counted is None:
            account, region, key_id = place
            count = GrantCount(account=account, region=region, key_id=key_id, grants=1)
            self._counts.insert(transaction, count)
        else:
            self._count(transaction, counted, 1)

    def _state(self, transaction: Transaction, grant: GrantRecord, part: Part) -> None:
        """Let decisions find a statement, by the pair by which the fewest are found."""
        place, fewest = grant.place, ""
        least = MOST_ALIKE
        for pair in meaning.pairs_of(grant, part):
            at = found_at(place, grant.grantee_id, pair)
            there = len(self._found(transaction, place, at))
            if there < least:
                fewest, least = at, there
        if not fewest:
            raise TooManyAlike
        self._statements.insert(
            transaction,
            StatementRecord(
                account=grant.account,
                place=fewest,
                part=part,
                permission=meaning.permission(grant, part),
                region=grant.region,
                key_id=grant.key_id,
                grant_id=grant.grant_id,
            ),
        )

    def _mark(self, transaction: Transaction, place: Place, mark: str) -> None:
        if self._marks.get(transaction, place[0], mark) is None:
            self._marks.insert(transaction, Mark(account=place[0], mark=mark))

    def _count(self, transaction: Transaction, counted: GrantCount, change: int) -> int:
        changed = msgspec.structs.replace(counted, grants=counted.grants + change)
        return self._counts.update(transaction, changed).grants

    def remove(self, transaction: Transaction, grant: GrantRecord) -> None:
        """Forget a grant. What it allowed is gone with this call, unless another one allows it."""
        place = grant.place
        self._grants.delete(transaction, *place, grant.grant_id)
        for part in meaning.parts(grant):
            self._restate(transaction, grant, part)
        if grant.is_constrained and not self._constrained(transaction, grant):
            self._marks.delete(transaction, place[0], mark_of(place, grant.grantee_id))
        counted = self.counted(transaction, place)
        if counted is None:
            raise RowIntegrityError("kms_grant_counts", place)
        if self._count(transaction, counted, -1) == 0:
            self._counts.delete(transaction, *place)
            self._marks.delete(transaction, place[0], mark_of(place))

    def _alike(self, reader: Reader, grant: GrantRecord, part: Part) -> GrantRecord | None:
        """A stored grant that has the same statement for the same grantee."""
        where = "permission = ?"
        value: tuple[str, ...] = (grant.permission,)
        if part is Part.VIEW:  # whatever their pairs are; the index `kms_grants_view` finds it
            where = "grantee_id = ? AND operations = ? AND source_arn = ? AND context_type <> ''"
            value = (grant.grantee_id, grant.operations, grant.source_arn)
        alike = self._grants.find(
            reader,
            f"account = ? AND region = ? AND key_id = ? AND {where} LIMIT 1",
            (*grant.place, *value),
        )
        return alike[0] if alike else None

    def _constrained(self, reader: Reader, grant: GrantRecord) -> bool:
        """Has the grantee of a removed grant another one with constraints?"""
        return bool(
            self._grants.find(
                reader,
                "account = ? AND region = ? AND key_id = ? AND grantee_id = ?"
                " AND (context <> '{}' OR source_arn <> '') LIMIT 1",
                (*grant.place, grant.grantee_id),
            )
        )

    def _restate(self, transaction: Transaction, grant: GrantRecord, part: Part) -> None:
        """Let a statement of a removed grant stand for another one that allows it, or go."""
        place, other = grant.place, self._alike(transaction, grant, part)
        permission = meaning.permission(grant, part)
        for pair in meaning.pairs_of(grant, part):
            at = found_at(place, grant.grantee_id, pair)
            for row in self._found(transaction, place, at):
                if (row.part, row.permission) != (part, permission):
                    continue
                if other is None:
                    self._statements.delete(transaction, row.account, at, part, row.permission)
                elif row.grant_id == grant.grant_id:
                    stated = msgspec.structs.replace(row, grant_id=other.grant_id)
                    self._statements.update(transaction, stated)
                return

    def doom(self, transaction: Transaction, place: Place) -> None:
        """Forget the grants of a key that is destroyed: some now, and the others step by step.

        Nothing finds a statement without its key, so that none of them allows anything any more.
        """
        counted = self.counted(transaction, place)
        if counted is not None:
            doomed = msgspec.structs.replace(counted, doomed=1)
            self._counts.update(transaction, doomed)
            self.remove_doomed(transaction, place)

    def finish(self, transaction: Transaction, place: Place) -> bool:
        """Forget the last grants of a destroyed key: a replica is made again in its place.

        False if there are too many for one call, and none is forgotten: a job removes them.
        INVARIANT: a new key has no grants. A replica has the id of the one before it.
        """
        counted = self.counted(transaction, place)
        if counted is None or not counted.doomed:
            return True
        if counted.grants > REMOVED_AT_ONCE:
            return False
        self.remove_doomed(transaction, place)
        return True

    def doomed(self, reader: Reader) -> Place | None:
        """A destroyed key whose grants are still there, as an index says."""
        found: list[Place] = reader.all(
            "SELECT account, region, key_id FROM kms_grant_counts WHERE doomed = 1 LIMIT 1"
        )
        return found[0] if found else None

    def remove_doomed(self, transaction: Transaction, place: Place) -> None:
        """Forget some grants of a destroyed key; raises RowIntegrityError for any other key."""
        counted = self.counted(transaction, place)
        if counted is None or not counted.doomed:
            raise RowIntegrityError("kms_grant_counts", place)
        for grant in self.after(transaction, place, "", REMOVED_AT_ONCE):
            self.remove(transaction, grant)
