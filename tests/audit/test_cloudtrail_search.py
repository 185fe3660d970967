"""A search in a log of several files finds what a reader of all lines finds, part by part."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.audit.cloudtrail import NOWHERE, Wanted, delivered, history, search
from keystead.audit.records.event import EventResource
from keystead.audit.records.lines import BadLine
from tests.audit.world import ACCOUNT, KEY_ARN, NOW, TAGS, World, encrypt, forged

REGION, OTHER = "eu-central-1", "999988887777"
DAY = timedelta(days=1)
EVERYTHING = Wanted(ACCOUNT, REGION, REGION, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", 50)


def name(number: int) -> str:
    return ("Encrypt", "Decrypt", "Sign")[number % 3]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Sixty records in many files, ten minutes apart; each tenth is of another Region."""
    made = World(tmp_path, segment_bytes=3000).open()
    for number in range(60):
        region = "us-west-2" if number % 10 == 9 else REGION
        time = NOW + number * timedelta(minutes=10)
        made.clock.now = time
        made.trail.record(encrypt(f"request-{number}", time=time, region=region, name=name(number)))
        made.trail.commit()
    yield made
    made.end()


def everything(world: World, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All records, page by page, and no page is longer than asked."""
    place = NOWHERE
    for _ in range(1000):
        records, place = search(world.audit, wanted, place, TAGS)
        assert len(records) <= wanted.most
        yield from records
        if place == NOWHERE:
            return
    raise AssertionError("the search does not end")


def ids(records: Iterator[dict[str, Any]]) -> list[str]:
    return [record["requestID"] for record in records]


def expected(world: World, chosen: str = "", *, first: int = 0, last: int = 59) -> list[str]:
    return [
        f"request-{number}"
        for number in range(last, first - 1, -1)
        if number % 10 != 9 and chosen in ("", name(number))
    ]


@pytest.mark.parametrize("part", [1, 2500, 1 << 24])
@pytest.mark.parametrize("most", [1, 7, 50])
@pytest.mark.parametrize("block", [700, 1 << 18])
def test_parts(
    world: World, monkeypatch: pytest.MonkeyPatch, part: int, most: int, block: int
) -> None:
    """Whatever one search reads, all of them together find each record once."""
    assert len(world.records()) > 5
    monkeypatch.setattr(history, "PART", part)
    monkeypatch.setattr(history, "_BLOCK", block)
    wanted = msgspec.structs.replace(EVERYTHING, most=most)
    assert ids(everything(world, wanted)) == expected(world)
    signs = msgspec.structs.replace(wanted, key="EventName", value="Sign")
    assert ids(everything(world, signs)) == expected(world, "Sign")


@pytest.mark.parametrize("block", [700, 1 << 18])
def test_times(world: World, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """A range begins and ends at its seconds, wherever these are in the files."""
    monkeypatch.setattr(history, "_BLOCK", block)
    for first, last in ((0, 0), (7, 31), (20, 20), (58, 58)):
        since, until = (NOW + number * timedelta(minutes=10) for number in (first, last))
        wanted = msgspec.structs.replace(
            EVERYTHING, since=f"{since:%Y-%m-%dT%H:%M:%SZ}", until=f"{until:%Y-%m-%dT%H:%M:%SZ}"
        )
        assert ids(everything(world, wanted)) == expected(world, first=first, last=last)
    late = msgspec.structs.replace(EVERYTHING, since="2026-12-01T00:00:00Z")
    assert ids(everything(world, late)) == []
    early = msgspec.structs.replace(EVERYTHING, until="2026-11-01T00:00:00Z")
    assert ids(everything(world, early)) == []


def test_an_id_is_found_at_its_position(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By halving, in the file that has it; an id of another Region or account is none."""
    monkeypatch.setattr(history, "_BLOCK", 700)
    for event in world.events():
        wanted = msgspec.structs.replace(EVERYTHING, key="EventId", value=event["eventID"])
        here = [event["requestID"]] if event["awsRegion"] == REGION else []
        assert ids(everything(world, wanted)) == here
        other = msgspec.structs.replace(wanted, account=OTHER)
        assert ids(everything(world, other)) == []


def test_a_line_of_somebody_else_ends_the_search(world: World) -> None:
    """All right but the MAC: it is not shown."""
    path = world.records()[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    event = msgspec.json.decode(lines[-1])["event"] | {"eventName": "Innocent"}
    path.write_bytes(b"".join(lines[:-1]) + forged(msgspec.json.encode(event)))
    with pytest.raises(BadLine):
        list(everything(world, EVERYTHING))


def test_files_that_are_archived_meanwhile(world: World) -> None:
    """A search that goes on finds what is still there."""
    first = search(world.audit, msgspec.structs.replace(EVERYTHING, most=5), NOWHERE, TAGS)
    for path in world.records()[:-1]:
        path.unlink()
    rest = search(world.audit, EVERYTHING, first.place, TAGS)
    assert rest.place == NOWHERE
    assert len(rest.records) < 5


def test_a_line_that_is_being_written_is_left_out(world: World) -> None:
    """A last line without its end is no record yet."""
    path = world.records()[-1]
    path.write_bytes(path.read_bytes() + b'{"event":{"eventVersion":"1.11"')
    assert ids(everything(world, EVERYTHING)) == expected(world)


def test_an_empty_log(tmp_path: Path) -> None:
    """There is nothing to find."""
    assert search(tmp_path, EVERYTHING, NOWHERE, TAGS) == ([], NOWHERE)


def test_what_did_not_fit(world: World) -> None:
    """Where a record has the size of a member only, a reader of CloudTrail finds no object."""
    many = {f"name-{number}": "x" * 3000 for number in range(9)}
    hostile = encrypt(
        "long", user_agent="a" * 20_000, request_parameters=many, region="../../etc",
        resources=[EventResource("../..", "AWS::KMS::Key", KEY_ARN)],
    )  # fmt: skip
    world.trail.record(hostile)
    world.trail.commit()
    line = world.lines()[-1]
    [record] = delivered(line[len(b'{"event":') : line.rindex(b',"leaf"')], REGION)
    assert record.account == ACCOUNT
    assert record.region == record.fields["awsRegion"] == REGION
    assert "userAgent" not in record.fields
    assert isinstance(record.fields["userIdentity"], dict)
    assert isinstance(record.fields["resources"], list)
