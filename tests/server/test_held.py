"""What all connections make the server keep has a bound, and who holds most pays for it."""

from dataclasses import dataclass, field

from keystead.server.door.held import UNCOUNTED, Held

UNIT = UNCOUNTED * 2


@dataclass(eq=False)
class Holding:
    """A connection that holds something."""

    peer_host: str
    held: int = 0
    ended: list[str] = field(default_factory=list)

    def shed(self) -> None:
        self.ended.append(self.peer_host)


def test_little_is_not_counted() -> None:
    """An ordinary request costs nothing here; what is more is counted until it is gone."""
    held, connection = Held(10 * UNIT), Holding("a")

    held.hold(connection, UNCOUNTED)
    assert held.total == 0
    held.hold(connection, UNIT)
    assert held.total == connection.held == UNIT
    held.hold(connection, 0)
    assert held.total == connection.held == 0


def test_who_holds_most_is_ended() -> None:
    """Of the peer that holds most the connection that holds most, until a quarter is free."""
    held = Held(40 * UNIT)
    one_large, many = Holding("b"), [Holding("a") for _ in range(16)]
    held.hold(one_large, 8 * UNIT)
    for connection in many[:-1]:
        held.hold(connection, 2 * UNIT)
    assert held.total == 38 * UNIT

    held.hold(many[-1], 3 * UNIT)

    assert held.total <= 30 * UNIT
    assert many[-1].ended  # the largest of them
    assert sum(len(connection.ended) for connection in many) == 5
    assert not one_large.ended
    assert held.total == one_large.held + sum(connection.held for connection in many)


def test_at_the_bound_nobody_is_ended() -> None:
    """What may be held may be held."""
    held, connections = Held(4 * UNIT), [Holding("a") for _ in range(4)]

    for connection in connections:
        held.hold(connection, UNIT)

    assert held.total == 4 * UNIT
    assert not any(connection.ended for connection in connections)
