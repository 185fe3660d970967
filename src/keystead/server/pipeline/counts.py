"""Against which bounds does a request count?  Once, however often it runs (decision 0041)."""

from dataclasses import dataclass

from keystead.policy.evaluation import Principal
from keystead.rules import Rules
from keystead.server.pipeline.exchange import Arrived
from keystead.server.pipeline.failures import quota_exceeded, throttled
from keystead.server.pipeline.owners import network_of
from keystead.server.pipeline.throttle import Throttle
from keystead.server.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts the requests of known callers by account, and those of strangers by network."""

    throttle: Throttle
    strangers: Throttle  # of the operations that are open without a signature
    metrics: Metrics

    def count(
        self, arrived: Arrived, rules: Rules | None, caller: Principal, asked: object
    ) -> None:
        """Count a request against the quotas of its caller's account; raises QuotaExceeded.

        `asked` is None if its input is not known, `rules` if its operation is not.
        """
        arrived.counted = True
        region = arrived.event.region
        quota = self.throttle.exceeded(rules, caller, region, asked)
        if quota:
            self.metrics.throttled(quota)
            per_second = self.throttle.per_second(quota, caller.account, region)
            raise quota_exceeded(arrived.where, quota, per_second)

    def count_stranger(self, arrived: Arrived) -> None:
        """Count a request without a signature, for its network; raises if there were too many."""
        if arrived.counted:
            return
        arrived.counted = True
        where = arrived.where
        network = network_of(arrived.request.source_ip)
        if not self.strangers.takes(network, where.service.name, where.name):
            raise throttled(where)
