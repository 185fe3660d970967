"""What a person sees of the log."""

from dataclasses import astuple
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.audit import show
from keystead.audit.records.jsontext import printable
from keystead.audit.show import Filter, events, row
from tests.audit.world import ALICE, KEY_ARN, NOW, World, encrypt


@pytest.fixture
def log(tmp_path: Path) -> World:
    """A log over several files: thirty calls, one a minute, every tenth refused."""
    world = World(tmp_path, segment_bytes=6000).open()
    for number in range(30):
        world.trail.record(
            encrypt(
                f"r{number}",
                time=NOW + timedelta(minutes=number),
                name="Decrypt" if number % 3 == 0 else "Encrypt",
                error_code="DisabledException" if number % 10 == 0 else "",
                access_key_id="AKIAOTHER" if number % 7 == 0 else "AKIAALICE",
            )
        )
        world.trail.commit()
    world.close()
    return world


def shown(log: World, wanted: Filter) -> list[str]:
    return [str(event["requestID"]) for event in events(log.audit, wanted)]


def test_the_newest_in_order(log: World) -> None:
    """The last few records, the oldest of them first, over the borders of files."""
    assert shown(log, Filter(last=12)) == [f"r{n}" for n in range(18, 30)]
    assert shown(log, Filter(last=None)) == [f"r{n}" for n in range(30)]


@pytest.mark.parametrize("block", [1, 7, 1000, 4096])
def test_any_block_size_reads_the_same(
    log: World, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Reading backwards gives every line once, wherever the blocks end."""
    monkeypatch.setattr(show, "_BLOCK", block)

    assert shown(log, Filter(last=None)) == [f"r{n}" for n in range(30)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(event_name="Decrypt"), range(0, 30, 3)),
        (Filter(errors_only=True), range(0, 30, 10)),
        (Filter(request_id="r17"), [17]),
        (Filter(user="AKIAOTHER"), range(0, 30, 7)),
        (Filter(user="alice", last=3), [27, 28, 29]),
        (Filter(user=ALICE.arn, last=1), [29]),
        (Filter(user="AIDAALICE", last=1), [29]),
        (Filter(user="bob"), []),
        (Filter(since=NOW + timedelta(minutes=27)), [27, 28, 29]),
        (Filter(event_name="Decrypt", errors_only=True, last=2), [0]),
        (Filter(event_name="Decrypt", user="AKIAOTHER", last=None), [0, 21]),
    ],
)
def test_filters(log: World, wanted: Filter, numbers: "list[int] | range") -> None:
    """Every question narrows the answer; an unasked one does not."""
    expected = [f"r{n}" for n in numbers]
    if wanted.since is not None:  # times have whole seconds, and NOW has a fraction
        expected = expected[1:]
    assert shown(log, wanted) == expected


def test_a_row(log: World) -> None:
    """A row tells when, what, who, how it went, on what, from where."""
    [last] = events(log.audit, Filter(last=1))

    assert astuple(row(last)) == (
        "2026-11-24T12:29:00Z", "Encrypt", ALICE.arn, "ok", KEY_ARN, "192.0.2.7", "r29",
    )  # fmt: skip


def test_a_row_of_nobody(world: World) -> None:
    """A call of nobody, on nothing, that failed, has a row as well."""
    world.trail.record(
        encrypt(principal=None, access_key_id="", resources=[], error_code="Bad", name="")
    )
    world.trail.commit()
    [event] = events(world.audit, Filter())

    assert astuple(row(event))[1:5] == ("-", "-", "Bad", "-")


@pytest.mark.parametrize(("told", "outcome"), [("Failure", "Failure"), ("Success", "ok")])
def test_a_sign_in_that_failed(told: str, outcome: str) -> None:
    """Its record has no error code, as at AWS: it is an error all the same."""
    event = {
        "eventType": "AwsConsoleSignIn", "eventName": "ConsoleLogin",
        "responseElements": {"ConsoleLogin": told},
    }  # fmt: skip

    assert row(event).outcome == outcome
    assert Filter(errors_only=True).accepts(event) == (told == "Failure")
    assert row({**event, "eventType": "AwsApiCall"}).outcome == "ok"


def test_a_bad_line_is_shown(log: World) -> None:
    """A line that is no record is not passed over in silence."""
    last = log.records()[-1]
    last.write_bytes(last.read_bytes().replace(b"r29", b"r2x"))
    found = events(log.audit, Filter(last=2))

    assert found[0]["requestID"] == "r28"
    assert row(found[1]).outcome == "BadRecord"
    assert "records-" in found[1]["errorMessage"]


def test_a_line_that_is_being_written(log: World) -> None:
    """A last line without its end is left for later."""
    with log.records()[-1].open("ab") as file:
        file.write(b'{"event":{"eventV')

    assert shown(log, Filter(last=1)) == ["r29"]


def test_an_empty_log(world: World) -> None:
    """There is nothing to show of a log without records."""
    assert events(world.audit, Filter()) == []


@pytest.mark.parametrize(
    ("text", "safe"),
    [("alice", "alice"), ("Jürgen", "Jürgen"), ("\x1b[2J", "\\x1b[2J"), ("a\u202eb", "a\\u202eb")],
)
def test_a_terminal_is_not_obeyed(text: str, safe: str) -> None:
    """What a terminal might obey is shown, not sent; letters stay as they are."""
    assert printable(text) == safe
