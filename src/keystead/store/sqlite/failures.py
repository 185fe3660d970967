"""Which error of the store does an error of SQLite become?

    StoreConflict      a constraint refuses this change
    StoreUnavailable   not now: the disk is full, or memory is short; the store recovers (DB-5)
    StoreUnavailable   never again in this process: an I/O error (DB-4)
    StoreCorrupt       never again in this process: a page that we did not write (DB-4)

After an I/O error the content of the disk is unknown, and a sync is never tried twice.

Any other error is our bug, as a wrong statement or a wrong number of values. It rises unchanged.
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
    """The error for the caller. `fatal`: the store must not be used afterwards."""

    error: Exception
    fatal: bool = False


def judge(error: apsw.Error, file: str = "") -> Judgement:
    """The meaning of one error of the driver. `file` tells a person which disk it is."""
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
