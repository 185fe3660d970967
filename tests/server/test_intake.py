"""Whose turn it is: peers in turn, connections in turn, those first who wait for their answers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from keystead.server.door.intake import (
    ABOUT_SECONDS,
    ALONE,
    COMPUTING,
    MOST_PASSED,
    PIECES,
    RETURNING,
    SEVERAL,
    SHORT,
    SHORTEST,
    Intake,
    Rank,
    Terms,
)


@dataclass(eq=False)
class Client:
    """A connection that waits."""

    peer_host: str
    number: int = 0
    rank: Rank = Rank.MODEST
    works_for: str = ""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def many(peer: str, rank: Rank = Rank.MODEST, count: int = 100) -> list[Client]:
    return [Client(peer, number, rank) for number in range(count)]


def waiting(*clients: Client) -> tuple[Intake[Client], Clock]:
    clock = Clock()
    intake: Intake[Client] = Intake(clock)
    for client in clients:
        intake.add(client)
    return intake, clock


def turn(intake: Intake[Client]) -> tuple[Terms, list[Client]]:
    terms = intake.begin()
    return terms, list(intake.take(terms, 0))


def turns(intake: Intake[Client]) -> Iterator[list[Client]]:
    while intake:
        yield turn(intake)[1]


def test_peers_are_served_in_turn() -> None:
    """A hundred connections of one address are no more than one of another."""
    intake, _ = waiting(*many("a"), Client("b"), Client("c"), Client("b", 1))

    _, taken = turn(intake)

    assert [client.peer_host for client in taken[:5]] == ["a", "b", "c", "a", "b"]


def test_connections_of_a_peer_are_served_in_the_order_in_which_they_asked() -> None:
    """The first that asked is the first, over as many turns as it takes."""
    intake, _ = waiting(*many("a", count=200))

    assert [c.number for taken in turns(intake) for c in taken] == list(range(200))


def test_a_turn_is_bounded() -> None:
    """One peer alone has all of a turn, and there is an end to it; what was taken before counts."""
    intake, _ = waiting(*many("a"))

    terms = intake.begin()
    taken = list(intake.take(terms, 60))

    assert terms == ALONE
    assert len(taken) == ALONE.most - 60


def test_while_several_peers_are_about_each_has_a_small_share() -> None:
    """Also of turns for which only one of them waits; a second later it is alone."""
    intake, clock = waiting(Client("b"), *many("a"))

    terms, taken = turn(intake)
    assert terms == SEVERAL
    assert [client.peer_host for client in taken] == ["b"] + SEVERAL.share * ["a"]
    assert len(turn(intake)[1]) == SEVERAL.share

    clock.now += ABOUT_SECONDS
    terms, taken = turn(intake)
    assert terms == ALONE
    assert len(taken) == ALONE.most


def test_several_peers_whose_requests_all_need_work() -> None:
    """For one party, and nothing quick for a second: then a turn has time to spare for them all."""
    near, far = Client("a", works_for="1"), many("b")
    for each in far:
        each.works_for = "1"
    intake, clock = waiting(near, *far)
    assert turn(intake)[0] == SEVERAL  # others may have asked just before

    clock.now += ABOUT_SECONDS
    intake.add(near)
    terms, taken = turn(intake)
    assert terms == COMPUTING
    assert terms.spare == ALONE.spare
    assert Counter(client.peer_host for client in taken) == {"a": 1, "b": COMPUTING.share}


@pytest.mark.parametrize(
    "other",
    [Client("c"), Client("c", rank=Rank.NEW), Client("b"), Client("c", works_for="2")],
    ids=["quick", "new", "quick, of the same host", "of another party"],
)
def test_somebody_else_among_peers_whose_requests_need_work(other: Client) -> None:
    """From its request on, and for a second after its last one, no turn has time to spare."""
    clients = [Client("a", works_for="1"), Client("b", works_for="1")]
    intake, clock = waiting(*clients)
    clock.now += ABOUT_SECONDS
    for client in (*clients, other):
        intake.add(client)
    while intake:
        assert turn(intake)[0].spare == 0.0

    for now, expected in ((ABOUT_SECONDS - 0.01, SEVERAL), (0.01, COMPUTING)):
        for client in clients:
            intake.add(client)
        clock.now += now
        assert turn(intake)[0] == expected


def test_many_peers_share_one_turn() -> None:
    """A turn takes no more of many peers than of one."""
    intake, _ = waiting(*(Client(f"{number}") for number in range(100)))

    assert [len(taken) for taken in turns(intake)] == [SEVERAL.most, 100 - SEVERAL.most]


def test_who_waits_for_its_answers_does_not_wait_for_others() -> None:
    """A modest connection comes first: from the address of those who do not wait, or another."""
    for peer in ("a", "b"):
        intake, _ = waiting(*many("a", Rank.GREEDY), *many("a", Rank.NEW), Client(peer))

        assert [client.rank for client in turn(intake)[1]] == [Rank.MODEST]


def test_turns_of_others_are_short() -> None:
    """Whoever asks meanwhile waits for a few of them only; also they are served by peer."""
    for rank, short in (
        (Rank.NEW, SHORT),
        (Rank.RETURNED, RETURNING),
        (Rank.RESUMED, SHORTEST),
        (Rank.GREEDY, SHORTEST),
    ):
        intake, _ = waiting(*many("a", rank), Client("b", 0, rank))

        terms, taken = turn(intake)

        assert terms == short
        assert len(taken) == short.most
        assert taken[1].peer_host == "b"


def test_large_bodies_are_read_on_in_turn() -> None:
    """A few between two turns, by rank, by peer, and none is forgotten."""
    intake, _ = waiting()
    readers = [*many("a", Rank.GREEDY, 9), Client("b", 0, Rank.GREEDY), Client("a", 9)]
    for reader in readers:
        intake.add_reading(reader)

    assert intake
    first = list(intake.take_reading())
    rest = [reader for _ in range(6) for reader in intake.take_reading()]

    assert len(first) == PIECES
    assert [(reader.peer_host, reader.rank) for reader in [*first, *rest][:3]] == [
        ("a", Rank.MODEST), ("a", Rank.GREEDY), ("b", Rank.GREEDY)
    ]  # fmt: skip
    assert {id(reader) for reader in first + rest} == {id(reader) for reader in readers}
    assert not intake


def test_nobody_is_passed_over_for_ever() -> None:
    """However many modest connections ask, the others have their turn, too."""
    intake, _ = waiting(
        Client("g", 0, Rank.GREEDY), Client("n", 0, Rank.NEW), *many("a", count=999)
    )

    ranks = [turn(intake)[1][0].rank for _ in range(2 * MOST_PASSED)]

    assert ranks.count(Rank.NEW) == ranks.count(Rank.GREEDY) == 1
    assert ranks[:MOST_PASSED] == [Rank.MODEST] * MOST_PASSED


def test_nobody_is_passed_over_for_ever_to_read_on() -> None:
    """However many modest connections hold a part of a body, the others read on, too."""
    intake, _ = waiting()
    for reader in (Client("g", 0, Rank.GREEDY), Client("n", 0, Rank.NEW), *many("a", count=999)):
        intake.add_reading(reader)

    ranks = [reader.rank for _ in range(MOST_PASSED) for reader in intake.take_reading()]

    assert ranks.count(Rank.NEW) == ranks.count(Rank.GREEDY) == 1
    assert ranks[:MOST_PASSED] == [Rank.MODEST] * MOST_PASSED


def test_whom_there_was_no_time_for_is_the_first_of_the_next_turn() -> None:
    """In the order in which they were taken."""
    intake, _ = waiting(Client("b", 5), *many("a", count=20))
    _, taken = turn(intake)

    for client in reversed(taken[1:]):
        intake.put_back(client)

    assert turn(intake)[1][: len(taken) - 1] == taken[1:]
