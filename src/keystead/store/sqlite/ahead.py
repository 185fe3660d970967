"""Which answers were read together, before anybody asked?  Several SELECTs as one statement.

To read a row that is in the page cache takes a microsecond, and to ask SQLite takes three. Over a
network each question would wait for its answer. So what a key not known yet will need is asked for
in one statement: a UNION ALL, whose first column tells the question. Other rows than the widest
ones end with NULLs.

INVARIANT: an answer is of the state that its question would find now. Nothing but a write changes
the state, and each write forgets all answers. They end with the turn in any case.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from keystead.store.protocol import Reading, Row, Select, Value

_MOST_ANSWERS = 1024  # of one turn; then it begins anew
_SHAPES = 256  # statements that are kept as text


class Ahead:
    """The answers that were read ahead in this turn."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[tuple[str, tuple[Value, ...]], list[Row]] = {}

    def __bool__(self) -> bool:
        return bool(self._answers)

    def forget(self) -> None:
        """Answer nothing any more."""
        self._answers.clear()

    def answer(self, sql: str, values: Sequence[Value]) -> list[Row] | None:
        """The rows that were read ahead for this question, or None."""
        rows = self._answers.get((sql, tuple(values)))
        return None if rows is None else rows.copy()

    def read(
        self,
        readings: Sequence[Reading],
        execute: Callable[[str, Sequence[Value]], list[Row]],
    ) -> None:
        """Read all of these with one statement, but for what is known already."""
        if len(self._answers) > _MOST_ANSWERS:
            self.forget()
        known = self._answers
        readings = [each for each in readings if (each[0].sql, each[1]) not in known]
        if not readings:
            return
        selects = tuple(select for select, _ in readings)
        answers: list[list[Row]] = [[] for _ in readings]
        values = [value for _, values in readings for value in values]
        for row in execute(_together(selects), values):
            number = row[0]
            answers[number].append(row[1 : len(selects[number].columns) + 1])
        for (select, own), rows in zip(readings, answers, strict=True):
            known[select.sql, own] = rows


@lru_cache(_SHAPES)
def _together(selects: tuple[Select, ...]) -> str:
    width = max(len(select.columns) for select in selects)
    return " UNION ALL ".join(
        f"SELECT {number}, {', '.join(_padded(select.columns, width))} FROM {select.source}"  # noqa: S608  # our names
        for number, select in enumerate(selects)
    )


def _padded(columns: tuple[str, ...], width: int) -> tuple[str, ...]:
    return columns + ("NULL",) * (width - len(columns))
