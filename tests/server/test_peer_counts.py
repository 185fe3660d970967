"""Which connections count as those of one peer?  (threat-model HF-4, section 6)"""

import pytest

from keystead.server.door.peers import PeerCounts, peer_of


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # one /64
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
    ],
)
def test_what_is_one_peer(first: str, second: str, same: bool) -> None:
    """A machine may use each address of its /64; of IPv4 it has one address."""
    counts = PeerCounts(per_peer=1, in_all=10)
    held, more = (peer_of((each, 1), ()) for each in (first, second))

    assert counts.admit(held)
    assert counts.admit(more) is not same

    counts.leave(held)
    if same:
        assert counts.admit(more)
    counts.leave(more)
    assert counts.total == 0


def test_a_64_of_ipv6_is_served_as_one() -> None:
    """Its connections wait in one queue, and not in one for each address."""
    hosts = {peer_of((f"2001:db8:1:2::{number:x}", 1), ()).host for number in range(1, 100)}
    assert hosts == {"2001:db8:1:2::/64"}
