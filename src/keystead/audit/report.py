"""What did a verification of the log find?"""

from dataclasses import dataclass, field

from keystead.audit.records import printable


@dataclass(frozen=True, slots=True)
class Problem:
    """One difference from the log that we wrote, and its place."""

    text: str
    file: str
    line: int = 0  # from 1; 0 = the file as a whole
    index: int | None = None  # of the record
    time: str = ""  # of the event, if it can be read
    event: str = ""  # the name of the event
    missing: bool = False  # True: something is missing. False: something was changed

    def __str__(self) -> str:
        where = f"`{self.file}`" + (f" line {self.line}" if self.line else "")
        record = "" if self.index is None else f"record {self.index}"
        named = " ".join(part for part in (record, self.event, self.time) if part)
        # A forged record can have any name, so the text is escaped for the terminal.
        return printable(": ".join(part for part in (where, named, self.text) if part))


@dataclass(slots=True)
class Report:
    """The result of a verification. The first problem of the records ends their examination."""

    first: int = 0  # the record with which the examination began
    records: int = 0  # the number of unchanged records, counted from record 0
    checkpoints: int = 0  # the number of checkpoints that are signed by the key
    signed: int = 0  # the number of records that the newest checkpoint covers
    unsigned: int = 0  # the number of records after them
    root: str = ""  # the root in the newest checkpoint
    incomplete: bool = False  # the last line has no end: being written, or torn by a crash
    problems: list[Problem] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Is everything unchanged and complete?"""
        return not self.problems
