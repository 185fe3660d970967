"""What a start makes of what a crash, or somebody's hand, left."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from keystead.audit.log.recovery import AuditCorrupt, OlderState
from keystead.audit.records import lines
from tests.audit.world import World, encrypt, forged, rows, tag

KILLS = 60


def tail(world: World) -> Path:
    return world.records()[-1]


def test_a_clean_stop_needs_nothing(world: World) -> None:
    """After a clean stop there is nothing to repair, and the log goes on."""
    world.record("a")
    world.close()
    world.open()
    world.record("b")

    assert (world.trail.recovered.cut_bytes, world.trail.recovered.restored_records) == (0, 0)
    assert world.request_ids() == ["a", "b"]


def test_a_crash_loses_no_record(world: World) -> None:
    """Records without a checkpoint are there after a crash, and under the next one."""
    world.record("a")
    world.change("b")
    world.crash()
    world.open()
    world.record("c")
    world.close()

    assert world.request_ids() == ["a", "b", "c"]
    assert world.verify().signed == 3
    assert world.verify().holds


@pytest.mark.parametrize("kept", [0, 1, 500, 1600])
def test_committed_lines_are_restored(world: World, kept: int) -> None:
    """Lines that committed with their change are there, whatever the file has of them."""
    world.record("a")
    before = tail(world).stat().st_size
    world.change("b", "c")
    world.crash()
    os.truncate(tail(world), before + kept)
    world.open()

    assert world.request_ids() == ["a", "b", "c"]
    assert rows(world.store) == ["b", "c"]
    assert world.verify().holds


@pytest.mark.parametrize(
    "torn",
    [
        b'{"event":{"eventVers',
        b"\0" * 700,
        b'{"event":' + b"\0" * 4096 + b'more"}\n{"event":{}}\n',
    ],
)
def test_a_torn_end_is_cut(world: World, torn: bytes) -> None:
    """What an append leaves when the power goes is cut, and the log goes on after it."""
    world.record("a")
    world.crash()
    with tail(world).open("ab") as file:
        file.write(torn)
    world.open()
    world.record("b")

    assert world.trail.recovered.cut_bytes == len(torn)
    assert world.request_ids() == ["a", "b"]
    assert world.verify().holds


def test_a_torn_checkpoint_is_replaced(world: World) -> None:
    """The store has the newest checkpoint; the file gets it again."""
    world.record("a")
    world.close()
    path = world.audit / "checkpoints.jsonl"
    whole = path.read_bytes()
    for left in (whole[:-30], b"", bytes(len(whole)), whole[:50] + bytes(30) + whole[80:]):
        path.write_bytes(left)
        world.open()
        world.crash()

        assert path.read_bytes() == whole
    assert world.verify().holds


def test_a_changed_checkpoint_is_refused(world: World) -> None:
    """A last checkpoint that is not the one in the store was not written by us."""
    world.record("a")
    world.close()
    path = world.audit / "checkpoints.jsonl"
    whole = path.read_bytes()
    for other in (whole.replace(b'"time":"2026', b'"time":"2027'), b"nonsense\n"):
        path.write_bytes(other)
        with pytest.raises(AuditCorrupt, match=r"last line of `checkpoints\.jsonl`"):
            world.open()
    path.write_bytes(whole)
    world.open()

    assert world.verify().holds


def test_an_empty_new_segment(tmp_path: Path) -> None:
    """A crash between making a file and writing into it leaves a log that goes on."""
    world = World(tmp_path, segment_bytes=1000).open()
    world.record("a")
    world.crash()
    (world.audit / "records-000000000001.jsonl").touch()
    world.open()
    world.record("b")
    world.close()

    assert world.request_ids() == ["a", "b"]
    assert world.verify().holds


def foreign(world: World) -> None:
    """A line that is whole, but not ours, at the end."""
    with tail(world).open("ab") as file:
        file.write(b'{"event":{},"leaf":"00"}\n')


def edited(world: World) -> None:
    """A record after the newest checkpoint is another one."""
    tail(world).write_bytes(tail(world).read_bytes().replace(b"alias/a", b"alias/b"))


def repeated(world: World) -> None:
    """A record stands there twice."""
    tail(world).write_bytes(tail(world).read_bytes() + world.lines()[-1])


def cut_back(world: World) -> None:
    """The last records, which a change was committed with, are gone, and more."""
    tail(world).write_bytes(b"".join(world.lines()[:1]))


def removed(world: World) -> None:
    """The file is gone."""
    tail(world).unlink()


def renamed(world: World) -> None:
    """The file claims to start with another record."""
    tail(world).rename(world.audit / "records-000000000009.jsonl")


@pytest.mark.parametrize("harm", [foreign, edited, repeated, cut_back, removed, renamed])
@pytest.mark.parametrize("signed", [True, False])
def test_harm_is_not_continued(world: World, harm: Callable[[World], None], signed: bool) -> None:
    """A log that is not what we wrote is not continued; the same log untouched is."""
    world.record("a", "b")
    if signed:
        world.clock.advance(2)
        world.trail.tick()
    world.record("c")
    world.change("d")
    world.crash()
    world.open()
    world.crash()
    harm(world)

    with pytest.raises(AuditCorrupt):
        world.open()


def test_a_consistent_edit_of_a_committed_record(world: World) -> None:
    """A record that was committed with a change cannot be exchanged, hash and all."""
    world.record("a")
    world.change("b")
    world.crash()
    event, _ = lines.read(world.lines()[1])
    event = event.replace(b"alias/a", b"alias/b")
    ours = tag(1, event, changed=True)  # as another copy of us may have written it
    world.rewrite([world.lines()[0], forged(event, ours)])

    with pytest.raises(AuditCorrupt, match="not the one that was committed"):
        world.open()


@pytest.mark.parametrize("crash", [True, False])
def test_a_record_without_our_tag_is_not_signed(world: World, crash: bool) -> None:
    """Who can write the files and has no key appends nothing to the log, after whatever stop."""
    world.record("a")
    world.record("b")
    (world.crash if crash else world.close)()
    ours = world.lines()
    event = lines.event_bytes(ours[1]).replace(b'"index":1,', b'"index":2,')
    for other in (bytes(16), bytes.fromhex(ours[1][-35:-3].decode())):
        world.rewrite([*ours, forged(event, other)])
        with pytest.raises(AuditCorrupt, match=r"record 2 .* this server did not write it"):
            world.open()
    world.rewrite([*ours, forged(event, tag(2, event))])
    world.open().close()

    assert world.verify().holds
    assert len(world.events()) == 3


def test_a_change_that_the_store_lost_is_missed(world: World) -> None:
    """A database that lacks the log's last change is refused; one that lacks nothing goes on."""
    world.record("first")
    world.store.purge()
    old = (world.root / "keystead.db").read_bytes()
    world.change("a", "b")
    world.record("c")
    log = (world.root / "keystead.db-wal").read_bytes()
    world.crash()
    (world.root / "keystead.db").write_bytes(old)

    with pytest.raises(OlderState, match="record 2 was committed with a change"):
        world.open()
    (world.root / "keystead.db").write_bytes(old)
    (world.root / "keystead.db-wal").write_bytes(log)
    world.open().close()

    assert world.verify().holds


def test_an_older_database_is_refused(world: World) -> None:
    """A log with a checkpoint that the store does not know belongs to a newer store (RK-5)."""
    world.record("a")
    world.close()
    old = (world.root / "keystead.db").read_bytes()
    world.open()
    world.record("b")
    world.close()
    new = (world.root / "keystead.db").read_bytes()
    (world.root / "keystead.db").write_bytes(old)

    with pytest.raises(AuditCorrupt, match="older than the log"):
        world.open()
    (world.root / "keystead.db").write_bytes(new)
    world.open()


def test_a_forged_history_is_not_signed(world: World) -> None:
    """Records and checkpoints that were rewritten together are not continued."""
    world.record("a", "b")
    world.close()
    world.rewrite(world.lines()[:1])
    (world.audit / "checkpoints.jsonl").write_bytes(b"")

    with pytest.raises(AuditCorrupt, match="2 were signed"):
        world.open()


def _live(world: World, told: int) -> None:
    """Change and record, and tell of each turn when it is durable; until the kill."""
    world.open()
    number = len(rows(world.store))
    while True:
        names = [f"{number:06}", f"{number + 1:06}"]
        world.change(*names)
        number += 2
        os.write(told, b"".join(name.encode() for name in names))
        world.record(f"read {number}")
        if number % 10 == 0:
            world.clock.advance(2)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """After each of many kills every acknowledged row and record is there, once, in order."""
    random = Random(7)
    world = World(tmp_path, segment_bytes=20_000)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        listen, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _live(world, told)
            finally:
                os._exit(1)
        os.close(told)
        first = os.read(listen, 12)
        time.sleep(random.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(listen, "rb") as rest:
            data = first + rest.read()
        acknowledged += [data[i : i + 6].decode() for i in range(0, len(data), 6)]

        world.open()
        stored = rows(world.store)
        recorded = [name for name in world.request_ids() if not name.startswith("read")]
        world.crash()
        assert stored == recorded, "a change without its record, or a record without its change"
        assert stored == [f"{number:06}" for number in range(len(stored))]
        assert set(acknowledged) <= set(stored)
        acknowledged = stored
        assert world.verify().holds
    assert len(acknowledged) > KILLS


def test_torn_by_a_power_loss(tmp_path: Path) -> None:
    """The appended lines of one turn may be there in part: what was acknowledged before stays."""
    random = Random(8)
    world = World(tmp_path).open()
    acknowledged: list[str] = []
    for number in range(40):
        world.record(f"a{number}")
        acknowledged.append(f"a{number}")
        durable = tail(world).stat().st_size
        # A turn whose lines were written and not synced: some sectors of them are zeros.
        turn = [encrypt(name) for name in ("x", "y", "z")]
        unsynced = bytearray(b"".join(world.trail._written(turn, None, changed=False).lines))
        world.crash()
        for start in range(0, len(unsynced), 512):
            if random.random() < 0.5:
                unsynced[start : start + 512] = bytes(len(unsynced[start : start + 512]))
        kept = random.randrange(len(unsynced))
        with tail(world).open("ab") as file:
            file.write(unsynced[:kept])
        world.open()
        found = world.request_ids()
        assert found[: len(acknowledged)] == acknowledged
        assert set(found[len(acknowledged) :]) <= {"x", "y", "z"}
        assert world.verify().holds
        assert tail(world).stat().st_size >= durable
        acknowledged = found
    world.close()
