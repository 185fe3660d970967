"""One-time codes: the vectors of the RFCs, and what a device remembers of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.custody.proofs.one_time_codes import (
    FAR,
    MOST_WRONG,
    STEP,
    WRONG_SECONDS,
    CodeState,
    OneTimeCodes,
    codes_of,
    new_seed,
    seed_text,
    step_at,
)

SEED = b"12345678901234567890"
NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
TODAY = step_at(NOW)
CODES = OneTimeCodes("one")


def code(seed: bytes, step: int) -> str:
    return codes_of(seed, [step])[0].decode()


def of(step: int) -> str:
    return code(SEED, TODAY + step)


def judged(
    state: CodeState, *codes: str, now: datetime = NOW, reach: int = 1
) -> tuple[CodeState, bool]:
    return CODES.judged(state, SEED, codes, now, reach)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(second: int, expected: str) -> None:
    """Appendix B, SHA-1; of its eight digits the last six."""
    assert code(SEED, step_at(datetime.fromtimestamp(second, UTC))) == expected


def test_the_vectors_of_rfc_4226() -> None:
    """Appendix D."""
    assert codes_of(SEED, range(10)) == [
        b"755224", b"287082", b"359152", b"969429", b"338314",
        b"254676", b"287922", b"162583", b"399871", b"520489",
    ]  # fmt: skip


def test_a_seed_is_what_aws_shows() -> None:
    """64 characters of base32 without padding, never the same."""
    texts = {seed_text(new_seed()) for _ in range(20)}
    assert len(texts) == 20
    assert {len(text) for text in texts} == {64}
    assert not any("=" in text for text in texts)


@pytest.mark.parametrize(
    ("step", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_the_window(step: int, right: bool) -> None:
    """A code is that of now, of the step before, or of the next."""
    state, counts = judged(CodeState(), of(step))
    assert counts is right
    assert state.last_step == (TODAY + step if right else 0)
    assert state.wrong == (() if right else (int(NOW.timestamp()),))


def test_a_code_counts_once() -> None:
    """Neither it nor an earlier one counts again; the next one does."""
    state, counts = judged(CodeState(), of(0))
    assert counts
    for step in (0, -1):
        again, counts = judged(state, of(step))
        assert not counts
        assert again.last_step == state.last_step
    assert judged(state, of(1))[1]


def test_two_codes_are_of_consecutive_steps() -> None:
    """In their order, both unused, and the second near now."""
    assert judged(CodeState(), of(-1), of(0)) == (
        CodeState(last_step=TODAY, incarnation="one"), True,
    )  # fmt: skip
    for pair in ((0, -1), (0, 0), (-1, 1), (-3, -2), (1, 2)):
        assert not judged(CodeState(), *map(of, pair))[1], pair
    used = CodeState(last_step=TODAY - 1)
    assert not judged(used, of(-1), of(0))[1]
    assert judged(used, of(0), of(1))[1]


@pytest.mark.parametrize(
    "wrong", ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "      "]
)
def test_what_is_no_code(wrong: str) -> None:
    """Anything but the six digits is wrong."""
    assert not judged(CodeState(), wrong)[1]
    assert not judged(CodeState(), f" {of(0)}")[1]


def test_wrong_codes_are_throttled() -> None:
    """After five in five minutes the right code is refused as well, and nothing more is counted."""
    state = CodeState()
    for number in range(MOST_WRONG):
        state, _ = judged(state, "000000", now=NOW + timedelta(seconds=number))
    later = NOW + timedelta(seconds=WRONG_SECONDS - 1)
    right = code(SEED, step_at(later))
    assert judged(state, right, now=later) == (state, False)

    free = NOW + timedelta(seconds=WRONG_SECONDS)
    state, counts = judged(state, code(SEED, step_at(free)), now=free)
    assert counts
    assert len(state.wrong) == MOST_WRONG - 1  # the right one does not forgive them


def test_a_clock_that_is_set_back_forgives_nothing() -> None:
    """Wrong codes of the future are as fresh as those of now."""
    state = CodeState(wrong=(int(NOW.timestamp()) + 10_000,) * MOST_WRONG)
    assert not judged(state, of(0))[1]


@pytest.mark.parametrize("drift", [-FAR, -7, 12, FAR])
def test_the_clock_of_a_device_is_found_again(drift: int) -> None:
    """Two codes tell how far it is ahead; from then on it is right, and the server's is not."""
    assert not judged(CodeState(), of(drift))[1]
    state, counts = judged(CodeState(), of(drift - 1), of(drift), reach=FAR)
    assert (counts, state.drift) == (True, drift)
    soon = NOW + timedelta(seconds=STEP)
    assert judged(state, of(drift + 1), now=soon)[1]
    assert not judged(state, of(1), now=soon)[1]
    assert not judged(CodeState(), of(FAR), of(FAR + 1), reach=FAR)[1]


def test_to_find_it_again_gives_no_code_back() -> None:
    """The codes must be later than any that counted."""
    state, _ = judged(CodeState(), of(0))
    assert not judged(state, of(-5), of(-4), reach=FAR)[1]
    assert not judged(state, of(0), of(1), reach=FAR)[1]
    assert judged(state, of(1), of(2), reach=FAR)[1]


def test_a_restore_moves_the_steps_to_now() -> None:
    """Codes from before a declared restore count no more; those of later steps do (OP-3)."""
    old, _ = OneTimeCodes("before").judged(CodeState(), SEED, (of(-1),), NOW)
    state, counts = judged(old, of(0))
    assert not counts
    assert not judged(state, of(0))[1]
    assert not judged(state, of(1))[1]
    assert judged(state, of(2), now=NOW + timedelta(seconds=2 * STEP))[1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3), st.booleans()), max_size=40))
def test_no_step_counts_twice(tries: list[tuple[int, int, bool]]) -> None:
    """Whatever the order of tries, steps that count only grow, and wrong tries stay few."""
    state, now, counted = CodeState(), NOW, [0]
    for minutes, step, both in tries:
        now += timedelta(minutes=minutes)
        at = step_at(now) + step
        codes = (code(SEED, at - 1), code(SEED, at)) if both else (code(SEED, at),)
        state, counts = CODES.judged(state, SEED, codes, now)
        if counts:
            assert state.last_step - len(codes) >= counted[-1]
            counted.append(state.last_step)
        recent = [second for second in state.wrong if second > now.timestamp() - WRONG_SECONDS]
        assert len(recent) <= MOST_WRONG
