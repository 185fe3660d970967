"""What does an error of SQLite mean for the calls that wait for it?

    the change itself is refused   StoreConflict       a constraint
    not now                        StoreUnavailable    disk full, out of memory: recovers (DB-5)
    never again in this process    StoreUnavailable    an I/O error: what is on the disk is unknown,
                                                       and a sync is never tried twice (DB-4)
                                   StoreCorrupt        a page that we did not write (DB-4)

Everything else, a wrong statement or a wrong number of values, is our bug and rises as it is.
"""

from dataclasses import dataclass

import apsw

from keystead.store.protocol import StoreConflict, StoreCorrupt, StoreUnavailable

_CORRUPT = (apsw.CorruptError, apsw.NotADBError)
_PASSING = (apsw.FullError, apsw.NoMemError, apsw.BusyError, apsw.LockedError, apsw.InterruptError)
_FATAL = (
    apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.ProtocolError,
    apsw.PermissionsError, apsw.AuthError, apsw.NoLFSError, apsw.InternalError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the caller is told, and whether the store may be used afterwards."""

    error: Exception
    fatal: bool = False


def judge(error: apsw.Error, file: str = "") -> Judgement:
    """The meaning of one error of the driver; `file` names the disk, for a person."""
    if isinstance(error, apsw.ConstraintError):
        return Judgement(StoreConflict(str(error)))
    if isinstance(error, apsw.FullError):
        return Judgement(
            StoreUnavailable(f"the disk is full: `{file}`" if file else "the disk is full")
        )
    if isinstance(error, _PASSING):
        return Judgement(StoreUnavailable(f"the database cannot serve now: {error}"))
    if isinstance(error, _CORRUPT):
        return Judgement(StoreCorrupt(f"the database is not what was written: {error}"), fatal=True)
    if isinstance(error, _FATAL):
        return Judgement(StoreUnavailable(f"the database failed: {error}"), fatal=True)
    return Judgement(error)
