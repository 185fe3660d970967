"""Through which endpoint does a request come, and what does that mean for it?  (iam.md 5.7, 6.3)

The door knows the id of an endpoint, from a listening socket or from the preface of a trusted
balancer. Everything else stands in the endpoint's row, as it is now. A view of it is kept until the
row is announced. So a change or the end of an endpoint holds for the next request on any
connection.
"""

import logging
from collections.abc import Mapping

import msgspec

from keystead.caches import KIB, MIB, Room
from keystead.network.endpoints.endpoint import Endpoint
from keystead.network.endpoints.repository import EndpointRepository
from keystead.network.endpoints.vpcs import Vpcs
from keystead.policy.evaluation import ContextValue, OverAccount, PolicySource
from keystead.policy.language import DocumentKind, stored_policy
from keystead.store.cache import NamedCache, Noting
from keystead.store.protocol import Reader
from keystead.work import Preparations

ROOM = Room(of_owner=1 * MIB, in_all=16 * MIB)
"""For the endpoints of an account, with their policies."""

_ENTRANCE = 2 * KIB  # bytes, beside the policy
POLICY_ID = "policy"

_log = logging.getLogger(__name__)


class Entrance(msgspec.Struct, frozen=True):
    """An endpoint, as its requests see it."""

    account: str
    region: str  # for which its requests are signed; "" for any
    service: str  # the signing name of the only service behind it
    policy: PolicySource
    keys: Mapping[str, ContextValue]  # of every request, lower-case

    def keys_within(self, over: OverAccount) -> dict[str, ContextValue]:
        """The keys of a request, with the organization of the endpoint's owner."""
        keys = dict(self.keys)
        for name in ("orgid", "orgpaths"):
            if (value := over.keys.get(f"aws:resource{name}")) is not None:
                keys[f"aws:vpce{name}"] = value
        return keys


class Entrances:
    """The endpoints through which requests come."""

    __slots__ = ("_kept", "_preparations", "_repository", "_vpcs")

    def __init__(
        self, repository: EndpointRepository, preparations: Preparations, vpcs: Vpcs
    ) -> None:
        self._vpcs = vpcs
        self._repository = repository
        self._preparations = preparations
        self._kept: NamedCache[str, Entrance] = NamedCache(ROOM)

    def at(self, reader: Reader, endpoint_id: str) -> Entrance | None:
        """The endpoint with this id as it is now; None if there is none.

        An endpoint in a VPC that the operator lists for another account, or not at all, is none.
        """
        known = self._kept.get(reader, endpoint_id)
        if known is not None:
            return known
        noting = Noting(reader)
        endpoint = self._repository.get(noting, endpoint_id)
        if endpoint is None or not self._vpcs.may_have(endpoint.account, endpoint.vpc_id):
            return None
        entrance = self._entrance(endpoint)
        parts = ((entrance.policy.policy, entrance.policy.policy.weight),)
        return self._kept.put(noting, endpoint_id, entrance, endpoint.account, _ENTRANCE, parts)

    def _entrance(self, endpoint: Endpoint) -> Entrance:
        text, meant = endpoint.policy, endpoint.meant
        policy = self._preparations.make(
            len(text), (text, meant), stored_policy, text, DocumentKind.ENDPOINT, meant
        )
        if policy.broken:
            _log.error("policy of %s denies everything: %s", endpoint.endpoint_id, policy.broken)
        offered = endpoint.offered
        return Entrance(
            endpoint.account,
            endpoint.region if offered is None else offered.signed_for,
            "" if offered is None else offered.service,
            PolicySource(policy, POLICY_ID, endpoint.arn),
            {
                "aws:sourcevpce": endpoint.endpoint_id,
                "aws:sourcevpc": endpoint.vpc_id,
                "aws:sourcevpcarn": endpoint.vpc_arn,
                "aws:vpceaccount": endpoint.account,
            },
        )

    @property
    def kept_bytes(self) -> int:
        """What is kept, in bytes."""
        return self._kept.kept.cost
