"""Bytes that arrive in pieces are taken as if they had come at once, and are copied once."""

import random
import tracemalloc

import pytest

from keystead.server.door.buffer import SMALL, Buffer

MARK = b"\r\n\r\n"


@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_any_size_are_the_bytes_that_were_sent(seed: int) -> None:
    """Whatever is taken between them."""
    chance = random.Random(seed)
    sent, taken = [], []
    buffer, waiting = Buffer(), b""
    for _ in range(300):
        data = chance.randbytes(chance.choice((1, 3, 100, SMALL, SMALL + 1, 20_000)))
        data += chance.choice((b"", MARK, MARK[:2], MARK[2:]))
        buffer.add(data)
        sent.append(data)
        waiting += data
        assert buffer.size == len(waiting)
        if chance.random() < 0.3:
            length = min(len(waiting), chance.choice((1, 50, 5_000, 70_000)))
            taken.append(buffer.take(length))
            waiting = waiting[length:]
        elif chance.random() < 0.5:
            found, mark, rest = waiting.partition(MARK)
            assert buffer.take_until(MARK) == (found if mark else None)
            if mark:
                taken += [found, MARK]
                waiting = rest

    assert b"".join(taken) + waiting == b"".join(sent)
    if waiting:
        assert buffer.take(len(waiting)) == waiting


def test_a_long_body_is_copied_once() -> None:
    """Its pieces are not copied when they come. A large body of each of many clients costs time."""
    pieces = [bytes([number]) * 40_000 for number in range(25)]
    buffer = Buffer()
    tracemalloc.start()
    try:
        for piece in pieces:
            buffer.add(piece)
        body = buffer.take(999_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert body == b"".join(pieces)[:999_000]
    assert most < 1.1 * len(body)
    assert buffer.take(1_000) == pieces[-1][:1_000]


def test_small_pieces_are_few() -> None:
    """Who sends one byte after the other makes us keep its bytes, and not an object for each."""
    buffer = Buffer()
    tracemalloc.start()
    try:
        for _ in range(100_000):
            buffer.add(b"x")
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert now < 200_000
    assert buffer.take(100_000) == b"x" * 100_000
