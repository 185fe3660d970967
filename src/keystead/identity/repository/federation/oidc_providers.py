"""Providers of OpenID Connect. A role's trust policy may name one as its federated principal.

Their sessions hang on a revision (`revisions`).
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from keystead.custody.rows import RowSeals
from keystead.identity.kinds import OIDC_PROVIDER, EntityKind
from keystead.identity.repository.entities import Entity
from keystead.identity.repository.federation.revisions import RevisedEntities

_decode = msgspec.json.Decoder(list[str]).decode


class OidcProvider(Entity, frozen=True, kw_only=True, gc=False):
    """One provider. Its name is its URL without `https://`."""

    kind: ClassVar[EntityKind] = OIDC_PROVIDER

    account: str
    provider_id: str
    name: str
    name_key: str
    path: str
    client_ids: str
    thumbprints: str
    tags: str
    created: int

    @property
    def clients(self) -> list[str]:
        """The client ids, in the order in which they came."""
        return _decode(self.client_ids)

    @property
    def certificates(self) -> list[str]:
        """The thumbprints, in the order in which they were given."""
        return _decode(self.thumbprints)


class OidcProviders(RevisedEntities[OidcProvider]):
    """The providers of every account, with their revisions."""

    __slots__ = ()

    def __init__(self, seals: RowSeals) -> None:
        super().__init__(seals, OidcProvider, "iam_oidc_revision")


def listed(texts: Sequence[str]) -> str:
    """The column of these texts, each of them once, in their order."""
    return msgspec.json.encode(list(dict.fromkeys(texts))).decode()
