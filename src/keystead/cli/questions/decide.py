"""`keystead decide`: the engine without an installation, one line of JSON in, one line out.

Answers leave in the order of the questions, as soon as they are known. A program that sends one
line at a time gets one answer at a time. A long input is shared among all processors.
"""

import gc
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Semaphore
from typing import IO

import click

from keystead.policy.reasons import decide_line

# Most objects that a line leaves are compiled policies. They live as long as their caches keep
# them, and hold no cycles. To look for cycles every few hundred objects costs a fifth of the time.
OBJECTS_BETWEEN_COLLECTIONS = 100_000

BLOCK = 256 * 1024  # bytes that are read and given to a processor at once
ALONE = 4 * BLOCK  # bytes before further processes are worth their start
AHEAD = 4  # blocks that are read ahead for each processor

FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


@click.command(short_help="Decide questions in JSON lines, as AWS would.")
@click.argument("file", type=FILE, default="-")
@click.option("--explain", is_flag=True, help="Add every step of the decision.")
def decide(*, file: Path, explain: bool) -> None:
    """Decide each line of FILE (standard input without one), as AWS would.

    A line asks about one `principal`, `action` and `resource`, with the `context` and the policies
    that apply: `identityPolicies`, `resourcePolicy`, `boundary`, `sessionPolicy`,
    `vpcEndpointPolicy`, `scps`, `rcps`. The answer has the `decision` and the statements that
    decided. For a document that AWS would not store, it has an `error` instead.
    """
    _collect_seldom()
    answer = partial(_answers, explain=explain)
    with click.open_file(str(file), "rb") as source:
        blocks = _blocks(source)
        alone = 0
        for block in blocks:
            _write(answer(block))
            alone += len(block)
            if alone > ALONE:
                break
        following = next(blocks, None)
        if following is not None:
            _share(chain((following,), blocks), answer)


def _share(blocks: Iterable[bytes], answer: "partial[bytes]") -> None:
    """Answer blocks by as many processes as there are processors, in order."""
    processors = os.cpu_count() or 1
    room = Semaphore(processors * AHEAD)

    def admitted() -> Iterator[bytes]:
        for block in blocks:
            room.acquire()
            yield block

    with multiprocessing.Pool(processors, _collect_seldom) as pool:
        for answers in pool.imap(answer, admitted()):
            room.release()
            _write(answers)


def _collect_seldom() -> None:
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    """Blocks of whole lines; each is given out without waiting for more input."""
    read = getattr(source, "read1", source.read)
    begun: list[bytes] = []  # the parts of a line whose end has not come
    while block := read(BLOCK):
        whole, end, rest = block.rpartition(b"\n")
        if end:
            yield b"".join((*begun, whole, end))
            begun = []
        begun.append(rest)
    if last := b"".join(begun):
        yield last


def _answers(block: bytes, *, explain: bool) -> bytes:
    """The answers to the lines of a block, one line each."""
    return b"".join(
        decide_line(line, explain=explain) + b"\n" for line in block.split(b"\n") if line.strip()
    )


def _write(answers: bytes) -> None:
    sys.stdout.buffer.write(answers)
    sys.stdout.buffer.flush()
