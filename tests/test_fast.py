"""`make fast` runs most of the rooms' tests, and starts no server."""

from pathlib import Path

from tests.fast import LEFT_OUT, LONGEST, SERVERS, is_left_out, spread

ROOT = Path(__file__).parents[1]


def test_what_is_named_exists() -> None:
    """Whoever moves a test that takes long moves its line."""
    assert [name for name in (*LEFT_OUT, *LONGEST) if not (ROOT / name).exists()] == []


def test_what_is_left_out() -> None:
    """A test that starts a server, and one of a file that is named; a unit test stays."""
    unit, long = (
        "tests/policy/test_decision.py::test_it",
        "tests/policy/test_properties.py::test_it",
    )
    assert not is_left_out(unit, ["sample"])
    assert is_left_out(long, [])
    assert all(is_left_out(unit, [server]) for server in SERVERS)


def test_of_many_cases_a_few_are_tried() -> None:
    """The first, the last, and some between them, each once; of few all."""
    assert spread(range(100), 4) == [0, 33, 66, 99]
    assert spread(range(4), 4) == [0, 1, 2, 3]
    assert len(set(spread(range(9), 8))) == 8
