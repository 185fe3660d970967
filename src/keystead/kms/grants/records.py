"""How are grants stored?  One record per table (kms.md 10.6).

A grant's own row is found by its id. Decisions find what grants allow by `StatementRecord`: by the
key, the grantee, and one pair that the request must have if the grant has constraints. So a
decision reads few rows, however many grants a key has. Grants that allow the same to the same
grantee share these rows.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from keystead.custody.rows import Record

_read_pairs = msgspec.json.Decoder(dict[str, str]).decode
_pack = msgspec.msgpack.Encoder().encode

Place = tuple[str, str, str]
"""The key of a key's row: account, Region, key id."""

Pair = tuple[str, str]
"""A condition key in lower case, with the value that a request must have there."""

NO_PAIR: Pair = ("", "")


class GrantRecord(Record, frozen=True, kw_only=True, gc=False):
    """A grant on a key."""

    account: str
    region: str
    key_id: str
    grant_id: str
    name: str = ""
    grantee: str  # as the request wrote it
    grantee_meant: str  # the unique id that it meant; "" for a service
    grantee_id: str  # how policies know it: unique id, account, session or service
    retirer: str = ""
    retirer_meant: str = ""
    retirer_id: str = ""
    issuer: str  # the account that made it
    operations: str  # divided by spaces
    context_type: str = ""  # EncryptionContextEquals or EncryptionContextSubset
    context: str = "{}"  # JSON object
    source_arn: str = ""
    permission: str  # a hash of what it allows, and to whom
    same: str | None = None  # a hash of everything that a request says; None without a name
    created_us: int

    @property
    def place(self) -> Place:
        return self.account, self.region, self.key_id

    @property
    def allowed(self) -> tuple[str, ...]:
        """Its operations, by AWS's names."""
        return tuple(self.operations.split())

    @property
    def pairs(self) -> Mapping[str, str]:
        """The pairs of its constraint on the encryption context."""
        return _read_pairs(self.context)

    @property
    def is_constrained(self) -> bool:
        return self.context != "{}" or self.source_arn != ""


class StatementRecord(Record, frozen=True, kw_only=True, gc=False):
    """One statement of the grants that allow the same to the same grantee."""

    account: str
    place: str
    part: str
    permission: str
    region: str
    key_id: str
    grant_id: str  # one of these grants

    @property
    def granted_by(self) -> tuple[str, str, str, str]:
        """The key of the row of this grant."""
        return self.account, self.region, self.key_id, self.grant_id


class Mark(Record, frozen=True, kw_only=True, gc=False):
    """That a key has grants; or that a grantee has constrained ones on it."""

    account: str
    mark: str


class GrantCount(Record, frozen=True, kw_only=True, gc=False):
    """How many grants a key has, so that the quota needs no count."""

    account: str
    region: str
    key_id: str
    grants: int
    doomed: int = 0  # 1: the key is destroyed, and some of its grants are still there


def digest(*values: object) -> str:
    """A hash of these values, in an unambiguous encoding."""
    return hashlib.sha256(_pack(values)).hexdigest()


def mark_of(place: Place, grantee: str = "") -> str:
    """The mark of a key, or of a grantee on a key."""
    return digest("mark", *place, grantee)


def found_at(place: Place, grantee: str, pair: Pair) -> str:
    """Where the statements for a grantee are found, of requests with this pair."""
    return digest("statements", *place, grantee, *pair)


def permission_of(
    grantee_id: str,
    operations: Sequence[str],
    context_type: str,
    pairs: Mapping[str, str],
    source_arn: str,
) -> str:
    """The same for two grants exactly if they allow the same to the same grantee."""
    return digest(grantee_id, sorted(operations), context_type, sorted(pairs.items()), source_arn)
