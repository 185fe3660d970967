"""When results of work share a turn: counted, with a loop that runs what a test lets it run."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from unittest.mock import Mock

import pytest

from keystead.server.door.intake import Rank
from keystead.server.door.replies import text
from keystead.server.door.turn import GATHERED, Turn
from keystead.server.door.waiting import Waiting
from keystead.server.pipeline.answer import Answer
from keystead.work import Undone
from tests.patience import some_turns


class Timer:
    """A call that a loop was asked for."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """What was asked of it stays undone until a test does it."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.timers: list[Timer] = []
        self.turns = 0

    def time(self) -> float:
        return 0.0

    def call_soon(self, _: Callable[..., None], *__: object) -> None:
        self.turns += 1

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def call_later(self, _: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(call))
        return self.timers[-1]

    def run(self) -> None:
        """Do what workers asked for."""
        while self.soon:
            self.soon.pop(0)()


class Receiver:
    """A connection."""

    def __init__(self, number: int) -> None:
        self.peer_host = f"192.0.2.{number}"
        self.rank = Rank.MODEST
        self.works_for = ""
        self.gone = False


class Later:
    """A request whose work ends when a test says so."""

    prepares = False

    def begin(self, ended: Callable[[Undone], None]) -> "Later":
        self.end = ended
        return self

    def after(self, outcome: Undone) -> Undone:
        return outcome


class Gathering:
    """A turn with so many requests whose work is in hand."""

    def __init__(self, working: int) -> None:
        self.loop = Loop()
        self.turn = Turn(cast("Any", self.loop), lambda: None, lambda _: None, lambda: "now")
        self.laters = [Later() for _ in range(working)]
        for number, later in enumerate(self.laters):
            entry = Waiting(cast("Any", Receiver(number)), last=False)
            self.turn._begin_work(entry, cast("Any", later))
        self.loop.timers.clear()  # the one that watches them

    def end(self, number: int) -> None:
        """So much more work ends, a piece after the other, and the loop has time for each."""
        for _ in range(number):
            self.laters.pop().end(Undone.LATE)
            self.loop.run()

    @property
    def returned(self) -> int:
        """The requests that wait for their turn again."""
        return len(self.turn._kept)


@pytest.mark.parametrize("working", [1, 2, 7])
def test_results_of_few_wait_for_nothing(working: int) -> None:
    """With few callers each result returns at once."""
    gathering = Gathering(working)
    for ended in range(1, working + 1):
        gathering.end(1)
        assert gathering.returned == ended
    assert gathering.loop.timers == []


def test_results_of_many_share_turns() -> None:
    """With many callers eight results return together, and the loop began one turn for them."""
    gathering = Gathering(8 * GATHERED)
    gathering.end(GATHERED - 1)
    assert (gathering.returned, gathering.loop.turns) == (0, 0)
    [timer] = gathering.loop.timers
    gathering.end(1)
    assert (gathering.returned, gathering.loop.turns) == (GATHERED, 1)
    assert timer.is_cancelled


def test_results_wait_for_a_while_only() -> None:
    """When no other comes in time, a result returns alone; the next ones are gathered anew."""
    gathering = Gathering(8 * GATHERED)
    gathering.end(1)
    [timer] = gathering.loop.timers
    timer.call()
    assert gathering.returned == 1
    gathering.end(GATHERED)
    assert gathering.returned == 1 + GATHERED


def test_the_last_results_return() -> None:
    """The fewer are in hand, the fewer results wait for each other, and none is left behind."""
    gathering = Gathering(40)
    gathering.end(40)
    for timer in gathering.loop.timers:
        if not timer.is_cancelled:
            timer.call()
    assert gathering.returned == 40
    assert not gathering.turn._working


def test_a_connection_remembers_for_whose_work_it_was_answered() -> None:
    """So its next request is expected to need some; after a quick answer it is not."""
    loop = asyncio.new_event_loop()
    turn = Turn(loop, Mock(), Mock(), lambda: "now")
    receiver = Mock(peer_host="127.0.0.1", rank=Rank.MODEST, gone=False, works_for="")
    for party in ("1", "2", ""):
        answer = Answer(text(200, "said"), Mock(), works_for=party)
        loop.call_soon(partial(turn.put, receiver, answer, last=False))
        loop.run_until_complete(some_turns())
        assert receiver.works_for == party
    loop.close()


@pytest.mark.parametrize(("alone", "turns"), [(False, 1), (True, 2)])
def test_one_more_look_for_the_requests_of_others(alone: bool, turns: int) -> None:
    """What arrives meanwhile shares the turn; a connection that is alone waits for nobody."""
    loop, commits = asyncio.new_event_loop(), Mock()
    turn = Turn(loop, commits, Mock(), lambda: "now", alone=lambda: alone)
    receivers = [
        Mock(peer_host="127.0.0.1", rank=Rank.MODEST, gone=False, works_for="") for _ in range(2)
    ]
    first, second = [
        partial(turn.put, receiver, Answer(text(200, "said"), Mock()), last=False)
        for receiver in receivers
    ]
    loop.call_soon(first)
    loop.call_soon(loop.call_soon, second)  # after the first look
    loop.run_until_complete(some_turns())
    loop.close()

    assert [receiver.deliver.call_count for receiver in receivers] == [1, 1]
    assert commits.call_count == turns
