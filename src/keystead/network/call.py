"""One EC2 call in progress: what those operations may touch."""

from collections.abc import Mapping

from keystead.call import Call, Target
from keystead.custody.tokens import Tokens
from keystead.network.endpoints import EndpointRepository, Vpcs
from keystead.network.errors import DryRunOperation
from keystead.network.hosts import Hosts
from keystead.policy.evaluation import NO_KEYS, ContextValue, Permit
from keystead.work import Preparations


class NetworkCall(Call, kw_only=True):
    """One EC2 call."""

    tokens: Tokens
    regions: frozenset[str]  # of this installation
    hosts: Hosts
    endpoints: EndpointRepository
    vpcs: Vpcs
    preparations: Preparations
    accept_unsupported_condition_keys: bool = False

    def authorize_list(self) -> Permit[Target]:
        """May they see a list?  EC2 asks about no resource, and about the Region."""
        return self.authorize_any(f"ec2:{self.operation.name}", self.of_request())

    def of_request(self, keys: Mapping[str, ContextValue] = NO_KEYS) -> Mapping[str, ContextValue]:
        """The condition keys of every EC2 request, with these, lower-case."""
        return {"ec2:region": self.region, **keys}

    def require_real(self, *, dry_run: bool | None) -> None:
        """Raise DryRunOperation if the caller only wants to know whether it may."""
        if dry_run:
            raise DryRunOperation
