"""Everything this room remembers, by entity: the only SQL of `identity`.

Every table is a SealedTable, and the account is part of every key and of every look-up (IA-10).
What authentication and decisions need is found by key; only listings walk an index.
"""

from keystead.caches import MIB, BoundedCache, Room
from keystead.custody.rows import RowSeals
from keystead.identity.repository.access_keys import AccessKeys
from keystead.identity.repository.accounts import Accounts
from keystead.identity.repository.attachments import Attachments, InlinePolicies
from keystead.identity.repository.groups import Groups, Memberships
from keystead.identity.repository.policies import Policies
from keystead.identity.repository.users import Users
from keystead.policy.language import DocumentKind, Policy

COMPILED = Room(of_owner=6 * MIB, in_all=64 * MIB)


class IdentityRepository:
    """The tables of the room of identities."""

    __slots__ = (
        "access_keys", "accounts", "attachments", "compiled", "groups", "inline_policies",
        "memberships", "policies", "users",
    )  # fmt: skip

    def __init__(self, seals: RowSeals) -> None:
        self.accounts = Accounts(seals)
        self.users = Users(seals)
        self.groups = Groups(seals)
        self.memberships = Memberships(seals, self.users, self.groups)
        self.policies = Policies(seals)
        self.inline_policies = InlinePolicies(seals)
        self.attachments = Attachments(seals)
        self.access_keys = AccessKeys(seals)
        self.compiled: BoundedCache[tuple[str, DocumentKind, str], Policy] = BoundedCache(COMPILED)
        """The documents of each account as they were last read, compiled."""
