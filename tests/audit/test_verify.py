"""Whoever touches the log is found out, and the first wrong record is named."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from keystead.audit.log.checkpoint import Checkpoint
from keystead.audit.records import lines
from keystead.audit.report import Problem
from keystead.audit.verify import verify
from keystead.custody.signing.signer import AuditSigner
from keystead.custody.signing.verification import signature_verifier
from tests.audit.world import NOW, SIGNER, World, encrypt, forged

RECORDS = 30
CHECKPOINT_EVERY = 10


@pytest.fixture
def log(tmp_path: Path) -> World:
    """A closed log of 30 records with a checkpoint after every ten."""
    world = World(tmp_path).open()
    for first in range(0, RECORDS, CHECKPOINT_EVERY):
        world.record(*(f"request {first + number}" for number in range(CHECKPOINT_EVERY)))
        world.clock.advance(2)
        world.trail.tick()
    world.close()
    return world


def problem(world: World) -> Problem:
    """The only problem that verification finds."""
    [found] = world.verify().problems
    return found


def test_an_untouched_log_holds(log: World) -> None:
    """Every record and checkpoint of an untouched log is as it was written."""
    report = log.verify()

    assert report.holds
    assert (report.records, report.signed, report.checkpoints) == (RECORDS, RECORDS, 3)
    assert not report.incomplete


def test_any_flipped_bit_is_named(log: World) -> None:
    """One bit anywhere in a record's line: verification names that record. (200 times)

    Of the tag it sees the form alone: what it tells, only a holder of the key can say.
    """
    random = Random(5)
    [path] = log.records()
    whole = path.read_bytes()
    starts = [0]
    for line in log.lines():
        starts.append(starts[-1] + len(line))
    for _ in range(200):
        offset = random.randrange(len(whole))
        changed = bytearray(whole)
        changed[offset] ^= 1 << random.randrange(8)
        path.write_bytes(changed)
        expected = max(index for index, start in enumerate(starts) if start <= offset)
        report = log.verify()
        if report.incomplete:  # the very last newline is gone: the record is not there any more
            assert offset == len(whole) - 1
            assert not report.holds
            continue
        if report.holds:
            assert starts[expected + 1] - 36 < offset < starts[expected + 1] - 3
            continue
        [found] = report.problems
        assert found.index == expected
        assert found.line == expected + 1
        assert found.file == path.name
        path.write_bytes(whole)
        assert log.verify().holds


def test_time_and_event_are_told(log: World) -> None:
    """The problem says when the record claims to be from, and of what."""
    written = log.lines()
    written[7] = written[7].replace(b"192.0.2.7", b"192.0.2.8")
    log.rewrite(written)
    found = problem(log)

    assert (found.index, found.line, found.event) == (7, 8, "Encrypt")
    assert found.time == "2026-11-24T12:00:00Z"
    assert str(found) == (
        "`records-000000000000.jsonl` line 8: record 7 Encrypt 2026-11-24T12:00:00Z:"
        " the record was changed: it does not match the hash beside it"
    )


def test_a_deleted_line(log: World) -> None:
    """A line that was taken out leaves a gap."""
    log.rewrite([line for number, line in enumerate(log.lines()) if number != 12])

    assert problem(log).index == 12
    assert "records 12 to 12 are missing" in problem(log).text


def test_two_lines_exchanged(log: World) -> None:
    """Two records in each other's place are found at the first of them."""
    written = log.lines()
    written[4], written[9] = written[9], written[4]
    log.rewrite(written)

    assert problem(log).index == 4


def test_a_line_again(log: World) -> None:
    """A record that stands there twice is found at the second place."""
    written = log.lines()
    log.rewrite([*written[:6], written[5], *written[6:]])

    assert problem(log).index == 6
    assert "record 5 stands in its place" in problem(log).text


@pytest.mark.parametrize("kept", [29, 20, 1, 0])
def test_a_shortened_log(log: World, kept: int) -> None:
    """A log that is shorter than what was signed is found out."""
    log.rewrite(log.lines()[:kept])

    assert problem(log).index == kept
    assert "signed 30 records" in problem(log).text


def test_cut_in_the_middle_of_a_line(log: World) -> None:
    """The same when the end is not the end of a line."""
    [path] = log.records()
    path.write_bytes(path.read_bytes()[:-100])

    assert problem(log).index == 29


def test_a_consistent_edit(log: World) -> None:
    """A record that was changed together with its hash contradicts the next checkpoint."""
    written = log.lines()
    event, _ = lines.read(written[14])
    event = event.replace(b"alias/a", b"alias/b")
    written[14] = forged(event)
    log.rewrite(written)
    found = problem(log)

    assert found.index == 10
    assert "one of the records 10 to 19 was changed" in found.text


def test_a_forged_checkpoint(log: World) -> None:
    """A checkpoint that another key signed is not one of ours."""
    path = log.audit / "checkpoints.jsonl"
    signed = path.read_bytes().splitlines(keepends=True)
    checkpoint = Checkpoint.parse(signed[1])
    signature = AuditSigner(bytes(32)).sign(checkpoint.signed)
    forged = msgspec.structs.replace(checkpoint, signature=signature)
    path.write_bytes(signed[0] + forged.line() + signed[2])
    found = problem(log)

    assert (found.file, found.line) == ("checkpoints.jsonl", 2)
    assert "signature" in found.text


def _retime(line: bytes) -> bytes:
    return line.replace(b'"time":"2026', b'"time":"2027')


def _another_key(line: bytes) -> bytes:
    return line.replace(b'"keyId":"', b'"keyId":"x')


def _another_root(line: bytes) -> bytes:
    start = line.index(b'"root":"') + 8
    return line[:start] + (b"0" if line[start : start + 1] != b"0" else b"1") + line[start + 1 :]


def _nonsense(_line: bytes) -> bytes:
    return b"nonsense\n"


@pytest.mark.parametrize("harm", [_retime, _another_key, _another_root, _nonsense])
def test_a_changed_checkpoint(log: World, harm: Callable[[bytes], bytes]) -> None:
    """A checkpoint with anything changed is named; the others still count."""
    path = log.audit / "checkpoints.jsonl"
    signed = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(signed[0] + harm(signed[1]) + signed[2])
    report = log.verify()

    assert [(p.file, p.line) for p in report.problems] == [("checkpoints.jsonl", 2)]
    assert report.checkpoints == 2
    assert report.records == RECORDS


def test_checkpoints_only_grow(log: World) -> None:
    """An old checkpoint after a newer one is not ours."""
    path = log.audit / "checkpoints.jsonl"
    signed = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([signed[0], signed[2], signed[1]]))

    assert problem(log).line == 3


def test_cut_back_to_a_checkpoint(log: World, tmp_path: Path) -> None:
    """Records and checkpoints cut back together: files alone hold, a witness tells."""
    path = log.audit / "checkpoints.jsonl"
    signed = path.read_bytes().splitlines(keepends=True)
    witness = tmp_path / "witness.jsonl"
    witness.write_bytes(signed[2])
    path.write_bytes(b"".join(signed[:2]))
    log.rewrite(log.lines()[:20])

    assert log.verify().holds
    [found] = log.verify(witness=witness).problems
    assert found.index == 20


def test_cut_checkpoints(log: World) -> None:
    """A log whose checkpoints are gone, all of them, is not called complete."""
    (log.audit / "checkpoints.jsonl").write_bytes(b"")

    found = problem(log)
    assert (found.index, log.verify().unsigned) == (0, RECORDS)
    assert "no checkpoint signs it" in found.text


def cut_after_the_first(world: World) -> None:
    """Leave only the first checkpoint."""
    path = world.audit / "checkpoints.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def signed_once(world: World) -> None:
    """A first record, under a checkpoint."""
    world.record("first")
    world.clock.advance(2)
    world.trail.tick()


@pytest.mark.parametrize(("records", "holds"), [(2000, True), (2001, False)])
def test_many_unsigned_records(tmp_path: Path, records: int, holds: bool) -> None:
    """More records after the newest checkpoint than a server leaves there: some were cut."""
    world = World(tmp_path).open()
    signed_once(world)
    for number in range(records):
        world.trail.record(encrypt(str(number)))
    world.close()
    assert world.verify().holds

    cut_after_the_first(world)

    report = world.verify()
    assert (report.holds, report.signed, report.unsigned) == (holds, 1, records)


@pytest.mark.parametrize(("seconds", "holds"), [(10, True), (11, False)])
def test_long_unsigned_records(world: World, seconds: int, holds: bool) -> None:
    """So do records that go on for longer than a server leaves them unsigned."""
    signed_once(world)
    for time in (NOW, NOW + timedelta(seconds=seconds)):
        world.trail.record(encrypt(time=time))
    world.close()
    assert world.verify().holds

    cut_after_the_first(world)

    assert world.verify().holds is holds


def test_the_key_of_the_holder(log: World) -> None:
    """A log that was signed again by another key fails against the key that was kept."""
    kept = SIGNER.public_key_pem
    valid = signature_verifier(kept)
    assert verify(log.audit, kept, valid).holds
    forger = AuditSigner(bytes(32))
    (log.audit / "public-key.pem").write_bytes(forger.public_key_pem)

    assert [p.file for p in verify(log.audit, kept, valid).problems] == ["public-key.pem"]
    believed = verify(log.audit, None, signature_verifier(forger.public_key_pem))
    assert len(believed.problems) == 4  # three checkpoints, and nothing signed


def test_a_missing_file(tmp_path: Path) -> None:
    """A whole file of records that is missing is a gap, wherever it was."""
    world = World(tmp_path, segment_bytes=5000).open()
    for number in range(20):
        world.record(str(number))
    world.close()
    assert world.verify().holds
    first, second, *_, last = world.records()

    for missing in (first, second, last):
        content = missing.read_bytes()
        missing.unlink()
        assert not world.verify().holds
        missing.write_bytes(content)
    assert world.verify().holds


def test_while_the_server_appends(world: World) -> None:
    """A log that is being written holds, a half-written line included."""
    world.record("a", "b")
    world.clock.advance(2)
    world.trail.tick()
    world.record("c")
    with world.records()[0].open("ab") as file:
        file.write(world.lines()[0][:300])
    with (world.audit / "checkpoints.jsonl").open("ab") as file:
        file.write(b'{"version":1,"si')
    report = world.verify()

    assert report.holds
    assert report.incomplete
    assert (report.records, report.signed) == (3, 2)


def test_an_empty_log(world: World) -> None:
    """A log without records holds."""
    report = world.verify()

    assert report.holds
    assert (report.records, report.checkpoints, report.root) == (0, 0, "")


def test_progress_is_told(tmp_path: Path) -> None:
    """A long examination says how far it is, and ends with all of it."""
    world = World(tmp_path).open()
    for _ in range(3):
        for number in range(600):
            world.trail.record(encrypt(str(number), user_agent="x" * 600))
        world.trail.commit()
    world.close()
    told: list[tuple[int, int]] = []
    world.verify(progress=lambda done, total: told.append((done, total)))

    assert len(told) >= 3
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == world.records()[0].stat().st_size


def test_a_forged_name_is_not_obeyed(log: World) -> None:
    """What a forged record calls itself reaches no terminal as it is."""
    written = log.lines()
    written[3] = written[3].replace(b'"eventName":"Encrypt"', b'"eventName":"\\u001b[2J"')
    log.rewrite(written)

    assert problem(log).event == "\x1b[2J"
    assert "\x1b" not in str(problem(log))
