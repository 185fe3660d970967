"""Which parts of a live installation may an inquiry read?

An inquiry tells how a request would be decided, and changes nothing. So the store can only be read
here. `Installation` fits this protocol.
"""

from typing import Protocol

from keystead.call import Guardrails
from keystead.clock import Clock
from keystead.identity.repository import IdentityRepository
from keystead.kms.keys import KeyRepository
from keystead.network import EndpointRepository, Entrances
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
    """The installation that is asked about."""

    @property
    def store(self) -> ReadableStore:
        """The state."""

    @property
    def keys(self) -> KeyRepository:
        """The keys and their policies."""

    @property
    def identities(self) -> IdentityRepository:
        """The principals and their policies."""

    @property
    def endpoints(self) -> EndpointRepository:
        """The endpoints of networks."""

    @property
    def entrances(self) -> Entrances:
        """What these mean for a request that comes through one."""

    @property
    def guardrails(self) -> Guardrails:
        """The organization's policies over resources."""

    @property
    def refusals(self) -> Refusals:
        """The calls that were refused."""

    @property
    def clock(self) -> Clock:
        """The clock."""
