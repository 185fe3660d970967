"""What may an inquiry read?  The live installation, as far as a question to it goes.

An inquiry tells what a request would be told, and changes nothing: the store is here to be read.
`Installation` fits this.
"""

from typing import Protocol

from keystead.clock import Clock
from keystead.identity.repository import IdentityRepository
from keystead.kms.keys import KeyRepository
from keystead.refusals.memory import Refusals
from keystead.store.protocol import Reader


class ReadableStore(Protocol):
    """The store, to be read only."""

    @property
    def state(self) -> int:
        """The number of the state that a reader sees now."""

    def read(self) -> Reader:
        """A view of the newest state."""


class InstallationView(Protocol):
    """What is asked about: its state, its keys, its identities, its refusals, its time."""

    @property
    def store(self) -> ReadableStore:
        """Where everything stands."""

    @property
    def keys(self) -> KeyRepository:
        """The keys and their policies."""

    @property
    def identities(self) -> IdentityRepository:
        """The principals and their policies."""

    @property
    def refusals(self) -> Refusals:
        """What was refused."""

    @property
    def clock(self) -> Clock:
        """What time it is."""
