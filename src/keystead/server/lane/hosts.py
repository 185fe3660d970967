"""May one more outside host be asked?

Of the hosts that are being asked, so many may be of one kind and of one account. The more others
ask, the less an account has of what is left. So silent hosts keep nobody from asking theirs.

A host is being asked from the promise of work that asks it until the last such work is settled.
"""

from collections import Counter

from keystead.work import asked_by

MOST_HOSTS = 64  # that are being asked at a time
MOST_OF_KIND = 48  # for one purpose
MOST_OF_ACCOUNT = 8  # for one purpose, and named by one account


class Hosts:
    """The outside hosts that are being asked, counted as they come and go."""

    __slots__ = ("_asking", "_of_account", "_of_kind")

    def __init__(self) -> None:
        self._asking: Counter[str] = Counter()  # pieces of work, by host
        self._of_kind: Counter[str] = Counter()  # hosts, by purpose
        self._of_account: Counter[tuple[str, str]] = Counter()  # and by account, too

    def may_ask(self, host: str) -> bool:
        """May work that asks this host be promised now?  One that is being asked may be."""
        if host in self._asking:
            return True
        kind, account = asked_by(host)
        most = min(MOST_OF_ACCOUNT, MOST_OF_KIND - self._of_kind[kind])
        return len(self._asking) < MOST_HOSTS and self._of_account[kind, account] < most

    def begin(self, host: str) -> None:
        """Work that asks this host is promised."""
        if host not in self._asking:
            self._count(host, 1)
        self._asking[host] += 1

    def end(self, host: str) -> None:
        """Such work is settled."""
        self._asking[host] -= 1
        if not self._asking[host]:
            del self._asking[host]
            self._count(host, -1)

    def _count(self, host: str, change: int) -> None:
        kind, _ = who = asked_by(host)
        self._of_kind[kind] += change
        self._of_account[who] += change
        if not self._of_account[who]:
            del self._of_account[who]
