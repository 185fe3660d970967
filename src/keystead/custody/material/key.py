"""How does custody see a key, and the owner of one?"""

from typing import Protocol

from keystead.store.changes import Name


class CustodyKey(Protocol):
    """A key, as far as custody has to know it."""

    @property
    def account(self) -> str:
        """The account that owns it."""

    @property
    def key_id(self) -> str:
        """Its id within the account."""

    @property
    def material_id(self) -> str:
        """The material that encrypts now."""

    @property
    def row_version(self) -> int:
        """The version of its row. After a change of the key its material is opened anew (KM-13)."""

    @property
    def row_name(self) -> Name:
        """The name that is announced when its row is written, or when a write of it is undone."""


class Owned(Protocol):
    """A resource, as far as custody has to know it to make something for its owner."""

    @property
    def owner(self) -> str:
        """The account that owns it."""


class WrongPermit(Exception):
    """A permit for something else: a bug of the caller, never an answer to the client."""
