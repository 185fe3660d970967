"""Work in its pools: whose turn it is, for whom there is room, and that a thread keeps nothing."""

import gc
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from keystead.server.lane import Handed, Lane, hosts
from keystead.server.lane import pool as pools
from keystead.work import PASSWORDS, Done, Failed, MadeWith, Outcome, Undone, Work, digest, outside
from tests.patience import PATIENCE, wait_until

ONE = "one worker"
Ends = queue.Queue[Outcome | Undone]


@pytest.fixture
def lane() -> Lane:
    return Lane({ONE: 1})


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Work on `opened` waits for it."""
    event = threading.Event()
    yield event
    event.set()


def opened(event: threading.Event, order: list[str], name: str) -> str:
    assert event.wait(PATIENCE)
    order.append(name)
    return name


def work(
    function: Callable[..., object], *arguments: object, seconds: float = 0.001
) -> Work[object]:
    return Work(ONE, seconds, MadeWith(), function, arguments)


def begin(lane: Lane, asked: Work[Any], owner: str, ended: Ends) -> Handed:
    return lane.hand_over(lane.promise(asked, owner, 0), ended.put)


def wait_for_worker(lane: Lane) -> None:
    wait_until(lambda: lane.begun)


def test_owners_take_turns(lane: Lane, gate: threading.Event) -> None:
    """Whoever has much waiting waits behind itself, and others do not."""
    order: list[str] = []
    ended: Ends = queue.Queue()
    for name in ("a1", "a2", "a3", "a4", "b1", "c1"):
        begin(lane, work(opened, gate, order, name), name[0], ended)
    gate.set()
    for _ in range(6):
        ended.get(timeout=PATIENCE)

    assert order.index("b1") < order.index("a3")
    assert order.index("c1") < order.index("a3")


def test_room_is_time(lane: Lane) -> None:
    """What would wait for more than two seconds has no room; who has nothing waiting has."""
    slow = work(time.sleep, 0, seconds=0.5)
    taken = 0
    while lane.has_room(slow, "a", 0):
        lane.promise(slow, "a", 0)
        taken += 1

    assert taken == 4  # the next would wait for 2.0 s and a little
    assert lane.has_room(slow, "b", 0)
    assert not lane.has_room(slow, "a", 0)
    lane.abandon()
    assert lane.has_room(slow, "a", 0)


@pytest.mark.parametrize("owner", ["strangers 10.0.0.0/24", "111122223333 ann"])
def test_work_that_waits_for_nobody_has_room(lane: Lane, owner: str) -> None:
    """However long it takes, as a key that a slow machine generates; what would wait has none."""
    slow = work(time.sleep, 0, seconds=3.0)
    assert lane.has_room(slow, owner, 0)
    promise = lane.promise(slow, owner, 0)
    assert not lane.has_room(slow, owner, 0)
    lane.take_back(promise)
    assert lane.has_room(slow, owner, 0)


def test_many_networks_fill_the_room_of_strangers_alone(lane: Lane) -> None:
    """A stranger in each of many networks is no way around the bound, and keeps no account out."""
    slow = work(time.sleep, 0, seconds=0.5)
    taken = 0
    while lane.has_room(slow, f"strangers 10.0.{taken}.0/24", 0):
        lane.promise(slow, f"strangers 10.0.{taken}.0/24", 0)
        taken += 1
    assert taken == 4
    for user in range(3):  # as many as if one network asked
        assert lane.has_room(slow, f"111122223333 {user}", 0) is (user < 2)
        lane.promise(slow, f"111122223333 {user}", 0)


def test_accounts_take_turns(lane: Lane, gate: threading.Event) -> None:
    """The many users of one account wait behind each other, and no other account behind them."""
    order: list[str] = []
    ended: Ends = queue.Queue()
    for owner in ("1 a", "1 b", "1 c", "1 d", "2 a", "strangers x", "strangers y"):
        begin(lane, work(opened, gate, order, owner), owner, ended)
    gate.set()
    for _ in range(7):
        ended.get(timeout=PATIENCE)
    assert order.index("2 a") < order.index("1 c")
    assert order.index("strangers x") < order.index("1 c")


def test_slow_hashes_wait_for_their_turn() -> None:
    """Ten hashes of a known caller have room where each takes a second; a stranger's have less."""
    lane = Lane()

    def room(owner: str) -> int:
        taken = 0
        hashed = Work(PASSWORDS, 1.0, MadeWith(), time.sleep, (0,))
        while lane.has_room(hashed, owner, 0):
            lane.promise(hashed, owner, 0)
            taken += 1
        lane.abandon()
        return taken

    assert room("111122223333 ann") == 10
    assert room("strangers 10.0.0.0/24") == 2


def test_bytes_are_bounded_for_each_owner(lane: Lane) -> None:
    """One owner's requests hold a quarter of what all may hold."""
    quick = work(time.sleep, 0, seconds=0.0)
    size, taken = 1 << 20, 0
    while lane.has_room(quick, "a", size):
        lane.promise(quick, "a", size)
        taken += 1
    assert taken == 15
    assert lane.has_room(quick, "b", size)


@pytest.mark.parametrize("party", ["strangers", "111122223333"])
def test_bytes_are_bounded_for_each_party(lane: Lane, party: str) -> None:
    """Long requests from many networks, or of many users, leave room for those of others."""
    quick = work(time.sleep, 0, seconds=0.0)
    size, taken = 1 << 20, 0
    promises = []
    while lane.has_room(quick, f"{party} {taken}", size):
        promises.append(lane.promise(quick, f"{party} {taken}", size))
        taken += 1
    assert taken == 31
    assert lane.has_room(quick, "444455556666 a", size)
    lane.take_back(promises[0])
    assert lane.has_room(quick, f"{party} {taken}", size)


def test_dead_hosts_stop_no_other(lane: Lane, gate: threading.Event) -> None:
    """Each outside host has its workers, and one that is asked no more gives its place up."""
    ended: Ends = queue.Queue()
    promises = []
    for number in range(hosts.MOST_HOSTS):
        pool = outside(f"kind-{number % 2}", f"{number % 8}", f"{number}")
        dead = Work(pool, 0.1, MadeWith(), opened, (gate, [], "dead"))
        assert lane.has_room(dead, "a", 0)
        promises.append(lane.promise(dead, "a", 0))
        lane.hand_over(promises[-1], ended.put)
    pool = outside("kind-2", "8", "another")
    another = Work(pool, 0.1, MadeWith(), opened, (gate, [], "another"))
    assert not lane.has_room(another, "a", 0)
    begin(lane, work(str, 1), "a", ended)
    assert ended.get(timeout=PATIENCE) == Done(MadeWith(), "1")
    gate.set()
    for promise in promises:
        ended.get(timeout=PATIENCE)
        lane.settle(promise)
    assert lane.has_room(another, "a", 0)


def test_colluding_accounts_leave_room(lane: Lane) -> None:
    """Eight accounts whose hosts are silent keep out neither a ninth nor work of another kind."""

    def asks(account: str, kind: str = "federation", host: int = 0) -> bool:
        pool = outside(kind, account, f"{host}")
        silent = Work(pool, 0.01, MadeWith(), opened, (threading.Event(), [], ""), shared=True)
        room = lane.has_room(silent, account, 0)
        if room:
            lane.promise(silent, account, 0)
        return room

    for begin_at in (0, 8, 16):  # hosts that were asked before count no more
        assert all(asks("1", host=begin_at + number) for number in range(8))
        assert not asks("1", host=begin_at + 8)
        lane.abandon()
    taken = [sum(asks(f"{who}", host=host) for host in range(20)) for who in range(8)]
    assert taken[0] == hosts.MOST_OF_ACCOUNT
    assert sum(taken) < hosts.MOST_OF_KIND
    assert asks("8")
    assert asks("0", "directory")
    lane.abandon()
    assert asks("0")
    lane.abandon()


def test_pool_learns_how_long_work_takes(lane: Lane) -> None:
    """Work that takes longer than it says gets less room."""
    liar = work(time.sleep, 0.02, seconds=0.0005)
    ended: Ends = queue.Queue()

    def room() -> int:
        taken = 0
        while lane.has_room(liar, "a", 0):
            lane.promise(liar, "a", 0)
            taken += 1
        lane.abandon()
        return taken

    before = room()
    for _ in range(10):
        begin(lane, liar, "a", ended)
    for _ in range(10):
        ended.get(timeout=PATIENCE)
    assert room() < before / 5


def test_quick_work_teaches_nothing(lane: Lane) -> None:
    """Many parts of lists make nobody believe that long documents are read in no time."""
    ended: Ends = queue.Queue()
    for _ in range(60):
        begin(lane, work(str, 1, seconds=1e-5), "a", ended)
    for _ in range(60):
        ended.get(timeout=PATIENCE)
    for seconds, has_room in ((3.0, False), (1.0, True)):
        long = work(str, 1, seconds=seconds)
        lane.promise(long, "b", 0)
        assert lane.has_room(long, "b", 0) is has_room
        lane.abandon()


def test_what_is_not_begun_can_be_left(lane: Lane, gate: threading.Event) -> None:
    """Work that nobody waits for is not done; what is begun goes on to its end."""
    order: list[str] = []
    ended: Ends = queue.Queue()
    begun = begin(lane, work(opened, gate, order, "begun"), "a", ended)
    wait_for_worker(lane)
    waiting = begin(lane, work(opened, gate, order, "waiting"), "a", ended)
    begun.leave()
    waiting.leave()
    assert ended.get(timeout=PATIENCE) is Undone.LEFT
    gate.set()
    assert ended.get(timeout=PATIENCE) == Done(MadeWith(), "begun")
    assert order == ["begun"]


def test_waiting_ends(lane: Lane, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not begun in its time is late, whether a worker comes to it or not."""
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.0)
    ended: Ends = queue.Queue()
    begun = begin(lane, work(opened, gate, [], "begun"), "a", ended)
    with_worker = ended.get(timeout=PATIENCE)  # its time had passed when a worker took it
    assert with_worker is Undone.LATE
    begun.expire()
    monkeypatch.setattr(pools, "WAIT_SECONDS", 2 * PATIENCE)
    begin(lane, work(opened, gate, [], "first"), "a", ended)
    wait_for_worker(lane)
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.0)
    begin(lane, work(opened, gate, [], "second"), "a", ended).expire()
    assert ended.get(timeout=PATIENCE) is Undone.LATE
    gate.set()
    assert ended.get(timeout=PATIENCE) == Done(MadeWith(), "first")


def test_stopping_ends_all(lane: Lane, gate: threading.Event) -> None:
    """Nobody waits for work that is begun, either; its end is told once."""
    ended: Ends = queue.Queue()
    handed = begin(lane, work(opened, gate, [], "begun"), "a", ended)
    wait_for_worker(lane)
    handed.stop()
    assert ended.get(timeout=PATIENCE) is Undone.STOPPED
    gate.set()
    begin(lane, work(str, 2), "a", ended)
    assert ended.get(timeout=PATIENCE) == Done(MadeWith(), "2")


def test_work_that_raises(lane: Lane) -> None:
    """It failed; nothing of what it raised is kept, and its worker goes on."""
    ended: Ends = queue.Queue()
    begin(lane, work(int, "no number"), "a", ended)
    assert ended.get(timeout=PATIENCE) == Failed(MadeWith())
    begin(lane, work(int, "3"), "a", ended)
    assert ended.get(timeout=PATIENCE) == Done(MadeWith(), 3)


class Secret:
    """Something of which one can see whether it is kept."""


def seen(_: Secret) -> None:
    """Work on a secret."""


def test_idle_thread_keeps_nothing(lane: Lane) -> None:
    """What work was done with is gone when it is done."""
    secret = Secret()
    kept = weakref.ref(secret)
    ended: Ends = queue.Queue()
    begin(lane, work(seen, secret), "a", ended)
    ended.get(timeout=PATIENCE)
    del secret
    begin(lane, work(str, 4), "a", ended)  # the worker has let go of the first by then
    ended.get(timeout=PATIENCE)
    gc.collect()
    assert kept() is None


def test_work_is_a_function_of_a_module() -> None:
    """A closure or a method could keep a call or a request; a function and values cannot."""
    call = object()
    Work(ONE, 0.1, MadeWith(), opened, ())
    Work(ONE, 0.1, MadeWith(), len, (b"",))
    with pytest.raises(TypeError):
        Work(ONE, 0.1, MadeWith(), lambda: call, ())
    with pytest.raises(TypeError):
        Work(ONE, 0.1, MadeWith(), Lane().abandon, ())
    with pytest.raises(TypeError):
        Work(ONE, 0.1, MadeWith(), partial(opened), ())


def test_digest_tells_parts_apart() -> None:
    """Moving a byte from one part to the next is another input."""
    assert digest(b"ab", b"c") == digest(b"ab", b"c")
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
