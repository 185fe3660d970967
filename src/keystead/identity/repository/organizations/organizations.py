"""Organizations: a root, units below it, accounts in them, and how accounts were made.

An account is in one organization at most. The units above an account are found step by step: its
parent, the parent's parent, up to the root (iam.md 1.12).
"""

from typing import Literal

import msgspec

from keystead.arns import organizations_arn
from keystead.custody.rows import Lookup, Record, RowIntegrityError, RowSeals, SealedTable
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_ORGANIZATION, _ACCOUNT, _UNIT = ("organization",), ("account",), ("unit",)
_PARENT = ("parent",)

UNIT_DEPTH = 5
"""So many units are below each other at most (iam.md 1.12)."""

FeatureSet = Literal["ALL", "CONSOLIDATED_BILLING"]
JoinedMethod = Literal["CREATED", "INVITED"]
CreationFailure = Literal["EMAIL_ALREADY_EXISTS"]

_decode_types = msgspec.json.Decoder(dict[str, int]).decode
_encode_types = msgspec.json.Encoder(order="sorted").encode


_KINDS = {"r": "root", "ou": "ou"}


class Organization(Record, frozen=True, kw_only=True, gc=False):
    """One organization with its root."""

    organization: str
    root: str
    management: str
    feature_set: FeatureSet
    policy_types: str
    tags: str  # of the root
    created: int

    @property
    def arn(self) -> str:
        return organizations_arn(self.management, f"organization/{self.organization}")

    def node_arn(self, identifier: str) -> str:
        """The ARN of its root, of a unit or of an account."""
        kind = _KINDS.get(identifier.partition("-")[0], "account")
        return organizations_arn(self.management, f"{kind}/{self.organization}/{identifier}")

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)

    @property
    def enabled_types(self) -> dict[str, int]:
        """The policy types that are enabled, each with the number of its enabling."""
        return {name: n for name, n in _decode_types(self.policy_types).items() if n > 0}

    def path(self, above: tuple[str, ...]) -> str:
        """A place in the tree, as `aws:PrincipalOrgPaths` has it: `o-…/r-…/ou-…/`."""
        return "/".join((self.organization, *above, ""))

    def with_type(self, policy_type: str, *, enabled: bool) -> "Organization":
        """The same with a policy type enabled anew, or disabled: its attachments are gone."""
        types = _decode_types(self.policy_types)
        number = abs(types.get(policy_type, 0))
        types[policy_type] = number + 1 if enabled else -number
        return msgspec.structs.replace(self, policy_types=_encode_types(types).decode())


NO_TYPES = "{}"


class Member(Record, frozen=True, kw_only=True, gc=False):
    """One account in its organization."""

    account: str
    organization: str
    parent: str
    name: str
    joined_method: JoinedMethod
    joined: int
    tags: str

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)


class Unit(Record, frozen=True, kw_only=True, gc=False):
    """One organizational unit."""

    unit: str
    organization: str
    parent: str
    name: str
    tags: str
    created: int

    @property
    def tag_map(self) -> dict[str, str]:
        return unpacked(self.tags)


class Creation(Record, frozen=True, kw_only=True, gc=False):
    """The outcome of one CreateAccount."""

    organization: str
    request: str
    account_name: str
    account: str | None
    failure: CreationFailure | None
    requested: int

    @property
    def state(self) -> Literal["SUCCEEDED", "FAILED"]:
        return "FAILED" if self.account is None else "SUCCEEDED"


class Organizations:
    """The organizations of the installation."""

    __slots__ = ("_creations", "_members", "_organizations", "_units")

    def __init__(self, seals: RowSeals) -> None:
        # Which accounts belong together is the installation's own matter, as the accounts are.
        def by(*sets: tuple[str, ...]) -> list[Lookup]:
            return [Lookup(columns, of_installation=True) for columns in sets]

        self._organizations = SealedTable(
            seals, "org_organization", Organization, _ORGANIZATION, by(_ORGANIZATION)
        )
        self._members = SealedTable(seals, "org_member", Member, _ACCOUNT, by(_ACCOUNT, _PARENT))
        self._units = SealedTable(seals, "org_unit", Unit, _UNIT, by(_UNIT, _PARENT))
        # No decision depends on how an account came to be: it is not counted.
        key = ("organization", "request")
        self._creations = SealedTable(seals, "org_creation", Creation, key, ())

    # organizations

    def get(self, reader: Reader, organization: str) -> Organization | None:
        return self._organizations.get(reader, organization)

    def of_account(self, reader: Reader, account: str) -> Organization | None:
        """The organization that an account is in."""
        member = self.member(reader, account)
        return None if member is None else self.get(reader, member.organization)

    def is_new_root(self, reader: Reader, root: str) -> bool:
        """Does no organization have this root?"""
        return not self._organizations.find(reader, "root = ?", (root,))

    def above(self, reader: Reader, organization: Organization, branch: str) -> tuple[str, ...]:
        """The root, and the units from there to this one; of the root only itself."""
        way: list[str] = []
        while branch != organization.root:
            unit = self.unit(reader, branch)
            strange = unit is None or unit.organization != organization.organization
            if unit is None or strange or len(way) == UNIT_DEPTH:
                raise RowIntegrityError("org_unit", (branch,))
            way.append(branch)
            branch = unit.parent
        return (organization.root, *reversed(way))

    def nodes_after(
        self, reader: Reader, organization: Organization, node: str, limit: int
    ) -> list[str]:
        """The next of everything in the tree: the accounts, the units, the root, by id."""
        name = organization.organization
        members = self.members_after(reader, name, node, limit)
        units = self._units.find(
            reader,
            "organization = ? AND unit > ? ORDER BY unit LIMIT ?",
            (name, node, limit),
        )
        root = [organization.root] if organization.root > node else []
        nodes = [*(each.account for each in members), *(each.unit for each in units), *root]
        return sorted(nodes)[:limit]

    def insert(self, transaction: Transaction, record: Organization) -> None:
        self._organizations.insert(transaction, record)

    def update(self, transaction: Transaction, record: Organization) -> Organization:
        return self._organizations.update(transaction, record)

    def delete(self, transaction: Transaction, record: Organization) -> None:
        """Remove an organization that has nobody but its management account, with its units.

        Its policies are gone before (`OrganizationPolicies.delete_all`).
        """
        for unit in self._units.find(transaction, "organization = ?", (record.organization,)):
            self.delete_unit(transaction, unit)
        self.delete_creations(transaction, record.organization)
        self.delete_member(transaction, record.management)
        self._organizations.delete(transaction, record.organization)

    # accounts

    def member(self, reader: Reader, account: str) -> Member | None:
        return self._members.get(reader, account)

    def members_in(self, reader: Reader, parent: str) -> list[Member]:
        """The accounts directly in a unit or root, all of them."""
        return self._members.of(reader, _PARENT, parent, order="account")

    def members_after(
        self, reader: Reader, organization: str, account: str, limit: int
    ) -> list[Member]:
        """The next accounts of an organization, by number."""
        return self._members.find(
            reader,
            "organization = ? AND account > ? ORDER BY account LIMIT ?",
            (organization, account, limit),
        )

    def members_in_after(
        self, reader: Reader, parent: str, account: str, limit: int
    ) -> list[Member]:
        """The next accounts directly in a unit or root, by number."""
        return self._members.find(
            reader, "parent = ? AND account > ? ORDER BY account LIMIT ?", (parent, account, limit)
        )

    def insert_member(self, transaction: Transaction, record: Member) -> None:
        self._members.insert(transaction, record)

    def update_member(self, transaction: Transaction, record: Member) -> Member:
        return self._members.update(transaction, record)

    def delete_member(self, transaction: Transaction, account: str) -> None:
        self._members.delete(transaction, account)

    # units

    def unit(self, reader: Reader, unit: str) -> Unit | None:
        return self._units.get(reader, unit)

    def units_in(self, reader: Reader, parent: str) -> list[Unit]:
        """The units directly below a unit or root, all of them."""
        return self._units.of(reader, _PARENT, parent, order="unit")

    def units_in_after(self, reader: Reader, parent: str, unit: str, limit: int) -> list[Unit]:
        """The next units directly below a unit or root, by id."""
        return self._units.find(
            reader, "parent = ? AND unit > ? ORDER BY unit LIMIT ?", (parent, unit, limit)
        )

    def unit_named(self, reader: Reader, parent: str, name: str) -> Unit | None:
        """The unit with this name below a parent; for conflicts, not for decisions."""
        named = self._units.find(reader, "parent = ? AND name = ?", (parent, name))
        return named[0] if named else None

    def unit_count(self, reader: Reader, organization: str) -> int:
        sql = "SELECT COUNT(*) FROM org_unit WHERE organization = ?"
        row = reader.one(sql, (organization,))
        return row[0] if row else 0

    def is_empty(self, reader: Reader, parent: str) -> bool:
        """Is nothing in this unit or root?"""
        if self.units_in_after(reader, parent, "", 1) or self.members_in_after(
            reader, parent, "", 1
        ):
            return False
        return not self.units_in(reader, parent) and not self.members_in(reader, parent)  # proved

    def insert_unit(self, transaction: Transaction, record: Unit) -> None:
        self._units.insert(transaction, record)

    def update_unit(self, transaction: Transaction, record: Unit) -> Unit:
        return self._units.update(transaction, record)

    def delete_unit(self, transaction: Transaction, record: Unit) -> None:
        self._units.delete(transaction, record.unit)

    # accounts that were made

    def creation(self, reader: Reader, organization: str, request: str) -> Creation | None:
        return self._creations.get(reader, organization, request)

    def creations_after(
        self, reader: Reader, organization: str, request: str, limit: int, *, failed: bool | None
    ) -> list[Creation]:
        """The next requests to make an account, by id: those that failed, the others, or all."""
        which = {None: "", True: " AND account IS NULL", False: " AND account IS NOT NULL"}
        return self._creations.find(
            reader,
            f"organization = ? AND request > ?{which[failed]} ORDER BY request LIMIT ?",
            (organization, request, limit),
        )

    def insert_creation(self, transaction: Transaction, record: Creation) -> None:
        self._creations.insert(transaction, record)

    def delete_creations(self, transaction: Transaction, organization: str) -> None:
        """Forget how the accounts of an organization that ends came to be."""
        transaction.run(
            "DELETE FROM org_creation WHERE organization = ?", (organization,), names=()
        )
