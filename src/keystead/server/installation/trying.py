"""How does a command of the operator ask a directory, while callers are served?

A directory may take seconds, so a thread asks it. The command comes again until there is an answer.
"""

from collections.abc import Callable
from hashlib import sha256
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

_MOST = 8  # commands at a time; the answer of the oldest is dropped


class Trials(Generic[T]):
    """Answers that are being waited for, by what was asked."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[bytes, SimpleQueue[T | None]] = {}

    def answer(
        self, asked: object, ask: Callable[..., T], *arguments: Any
    ) -> tuple[bool, T | None]:
        """Is there an answer to this?  And which one, once; None if asking failed.

        `asked` names everything that the answer depends on, in a form that JSON can write.
        """
        name = sha256(msgspec.json.encode(asked)).digest()
        answers = self._asked.get(name)
        if answers is None:
            while len(self._asked) >= _MOST:
                self._asked.pop(next(iter(self._asked)))
            answers = self._asked[name] = SimpleQueue()
            Thread(target=_run, args=(answers, ask, arguments), daemon=True).start()
            return False, None
        try:
            answer = answers.get_nowait()
        except Empty:
            return False, None
        del self._asked[name]
        return True, answer


def _run(answers: "SimpleQueue[T | None]", ask: Callable[..., T], arguments: Any) -> None:
    answer: T | None = None
    try:
        answer = ask(*arguments)
    finally:
        answers.put(answer)
