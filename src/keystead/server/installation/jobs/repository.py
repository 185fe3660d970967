"""What is remembered of jobs: one row for each, with what it did and where it failed.

No decision depends on these rows. What is due stands in the rows of the keys.
"""

import msgspec

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction


class JobRecord(Record, frozen=True, kw_only=True, gc=False):
    """What became of one job in this installation. Times: microseconds since the epoch."""

    name: str
    since_us: int  # when this installation first had the job
    ran_us: int | None = None  # when it last did something, or failed at it
    done: int = 0
    failed: int = 0
    failed_us: int | None = None
    failure: str = ""  # where and why it failed last


class JobRepository:
    """The rows of all jobs."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "server_jobs", JobRecord, ("name",), ())

    def get(self, reader: Reader, name: str) -> JobRecord | None:
        """What became of this job; None if this installation never had it."""
        return self._table.get(reader, name)

    def add(
        self,
        transaction: Transaction,
        name: str,
        now_us: int,
        *,
        done: int = 0,
        failed: int = 0,
        failure: str = "",
    ) -> None:
        """Add what a run of the job did. The first call says since when there is the job."""
        record = self.get(transaction, name)
        if record is None:
            record = JobRecord(name=name, since_us=now_us)
            self._table.insert(transaction, record)
        if not (done or failed):
            return
        changed = msgspec.structs.replace(
            record, ran_us=now_us, done=record.done + done, failed=record.failed + failed
        )
        if failed:
            changed = msgspec.structs.replace(changed, failed_us=now_us, failure=failure)
        self._table.update(transaction, changed)
