"""Does an account ask too often?  Its calls are counted for each request quota and Region.

The generic cell rate algorithm (ITU-T I.371, annex A) is the token bucket in one number, the time
at which the bucket is full again. A bucket holds the calls of one second, and is full at first. A
call takes one, or is refused and takes none (decision 0041).

INVARIANT: a bucket is forgotten only if it is full, or if very many others were used since its last
use. So the number of buckets is bounded by the calls of the last seconds, and by `MOST`.
"""

from collections.abc import Callable
from math import inf

import msgspec

from keystead.policy.evaluation import Principal, PrincipalType
from keystead.quotas import HALVED, UNSERVED
from keystead.rules import Rules
from keystead.server.pipeline.owners import owner_of

SECONDS = 2.0  # after which every bucket is full that was not used
MOST = 16_384  # buckets that were used in so many seconds
BUCKET = 420  # bytes, with its key

_ROOT = PrincipalType.ACCOUNT

_TOLERANCE = 0.001  # of a call: times are rounded

PerSecond = Callable[[str, str, str], float]
"""How many calls a second does a quota allow an account in a Region?"""


class Bucket(msgspec.Struct, gc=False):
    """The calls that one account, or one of it, has left in one Region, for one quota."""

    full_at: float  # seconds
    interval: float  # seconds until a call comes back
    most: float  # seconds until it is full, with which one more call is allowed


class Throttle:
    """Counts the calls of all accounts."""

    __slots__ = ("_monotonic", "_now", "_old", "_until", "_young", "per_second")

    def __init__(self, per_second: PerSecond, monotonic: Callable[[], float]) -> None:
        self.per_second = per_second
        self._monotonic = monotonic
        self._now = monotonic()
        self.forget()

    @property
    def kept_bytes(self) -> int:
        """What is kept in memory, for whatever callers."""
        return BUCKET * (len(self._young) + len(self._old))

    def forget(self) -> None:
        """Begin anew: quotas have other numbers."""
        self._young: dict[tuple[str, str, str], Bucket] = {}
        self._old: dict[tuple[str, str, str], Bucket] = {}
        self._until = -inf

    def tick(self) -> None:
        """Look at the clock, once for all calls that are performed together."""
        self._now = now = self._monotonic()
        if now >= self._until:
            self._age()

    def _age(self) -> None:
        self._young, self._old, self._until = {}, self._young, self._now + SECONDS

    def exceeded(
        self, rules: Rules | None, principal: Principal, region: str, asked: object
    ) -> str:
        """Count a call, and name the quota that it exceeds; "" if it may go on.

        It counts for the account of its caller, or for the service that calls; for some quotas for
        the caller, too, who gets a half of what the account gets (`HALVED`), with all roles that it
        assumes. Two who ask together could use up all, so the root user has this half beside the
        others. A service of the site
        has nobody beside it, and no half. A quota that it exceeds is not counted any more, those
        before are. `rules` is None if no such operation is served.
        """
        account = principal.account or principal.user_id  # a service of the site has no account
        if rules is None:
            return "" if self._take(account, region, UNSERVED) else UNSERVED
        now = self._now
        for quota in rules.quotas(asked) if rules.quotas else ():
            if quota in HALVED and principal.account:
                if not self._take(owner_of(principal, ""), region, quota):
                    return quota
                if principal.type is _ROOT:
                    continue
            key = (account, region, quota)
            bucket = self._young.get(key) or self._bucket(key)  # as `_take`, for every call
            full_at = bucket.full_at
            if full_at > now:
                if full_at > now + bucket.most:
                    return quota
                bucket.full_at = full_at + bucket.interval
            else:
                bucket.full_at = now + bucket.interval
        elsewhere = rules.quota_elsewhere
        if elsewhere is not None:
            other = getattr(asked, elsewhere.member, region)
            if not self._take(account, other, elsewhere.quota, elsewhere.times):
                return elsewhere.quota
        return ""

    def takes(self, network: str, service: str, name: str) -> bool:
        """Count a call of a stranger: for the network that it comes from, and an operation."""
        self.tick()
        return self._take(network, service, name)

    def _take(self, account: str, region: str, quota: str, times: int = 1) -> bool:
        """Take calls from a bucket that has at least one; may it then owe the others."""
        key = (account, region, quota)
        bucket = self._young.get(key) or self._bucket(key)
        now, full_at = self._now, bucket.full_at
        if full_at > now:
            if full_at > now + bucket.most:
                return False
        else:
            full_at = now
        bucket.full_at = full_at + bucket.interval * times
        return True

    def _bucket(self, key: tuple[str, str, str]) -> Bucket:
        """The bucket of this key, which is among the young ones from now on."""
        if len(self._young) >= MOST:
            self._age()
        bucket = self._old.pop(key, None)
        if bucket is None:
            who, region, quota = key
            account, _, one_of_it = who.partition(" ")
            per_second = self.per_second(quota, account, region)
            bucket = _full(max(per_second / 2, min(per_second, 1)) if one_of_it else per_second)
        self._young[key] = bucket
        return bucket


def _full(per_second: float) -> Bucket:
    """A full bucket. One for no calls is never full, and one for any number always."""
    if not per_second:
        return Bucket(inf, inf, -inf)
    interval = 1 / per_second
    most = inf if per_second == inf else (per_second - 1 + _TOLERANCE) * interval
    return Bucket(0.0, interval, most)
