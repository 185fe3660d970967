"""How does the command line explain an exception to a person?

Every error with a cause outside of our code gets its words here. Any other exception is our bug.
Then its place in the code is named, so that it can be reported. No traceback and no value is shown.
"""

import errno
import os
from traceback import extract_tb

from keystead.audit.log import AuditCorrupt, OlderState
from keystead.custody.files import SealError
from keystead.failures import Failure
from keystead.store.lock import DirectoryInUse
from keystead.store.migrations import SchemaRefused
from keystead.store.protocol import StoreCorrupt, StoreUnavailable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: Exception) -> Failure:
    """The Failure for an exception."""
    match error:
        case Failure():
            return error
        case SealError():
            return Failure(str(error), error.hint)
        case DirectoryInUse():
            return Failure(
                str(error), "stop that server first, or name another directory with --data"
            )
        case StoreCorrupt():
            return Failure(
                "the database was changed or damaged, or the root key is that of another"
                " installation",
                "restore the data directory from a copy; do not serve from this one",
            )
        case OlderState():
            return Failure(
                str(error),
                "restore the newest copy; `docs/operating.md` says how to use an older one",
            )
        case AuditCorrupt():
            return Failure(
                str(error), "run `keystead audit verify`, and restore the log from a copy"
            )
        case SchemaRefused():
            return Failure(str(error), "start a newer Keystead")
        case StoreUnavailable():
            return Failure(
                f"the database cannot be used: {error}",
                "check that the disk is healthy, writable and not full",
            )
        case OSError() if error.errno is not None:
            where = f"`{error.filename}`" if error.filename is not None else "a file"
            return Failure(
                f"cannot use {where}: {os.strerror(error.errno).lower()}",
                "check that the disk, or what gets the output, has room"
                if error.errno in _FULL
                else "run as the user who owns the data directory",
            )
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119  # a name, not a file
    return Failure(
        f"this should not have happened ({type(error).__name__} at {where})",
        "please report it, with the command and the version that `keystead version` prints",
    )
