"""What does a person read when an exception reaches the command line?

Here every error that has a cause outside of our code gets its words. What is left is our bug:
then the place is named, so that it can be reported, and no traceback and no value is shown.
"""

import os
from traceback import extract_tb

from keystead.audit.recovery import AuditCorrupt, OlderState
from keystead.custody.files import SealError
from keystead.failures import Failure
from keystead.store.lock import DirectoryInUse
from keystead.store.migrations import SchemaRefused
from keystead.store.protocol import StoreCorrupt, StoreUnavailable


def explained(error: Exception) -> Failure:
    """The Failure for an exception."""
    match error:
        case Failure():
            return error
        case SealError():
            return Failure(str(error), error.hint)
        case DirectoryInUse():
            return Failure(str(error), "stop it first, or give another directory with --data")
        case StoreCorrupt():
            return Failure(
                "the database is not what was written, or the root key is another one's",
                "restore the data directory from a copy; do not serve from this one",
            )
        case OlderState():
            return Failure(
                str(error),
                "restore the newest copy; `docs/operating.md` says how to go on from an older one",
            )
        case AuditCorrupt():
            return Failure(str(error), "see `keystead audit verify`; restore the log from a copy")
        case SchemaRefused():
            return Failure(str(error), "start a newer Keystead")
        case StoreUnavailable():
            return Failure(f"the store cannot be used: {error}", "see the disk and its log")
        case OSError() if error.errno is not None:
            where = f"`{error.filename}`" if error.filename is not None else "a file"
            return Failure(
                f"cannot use {where}: {os.strerror(error.errno).lower()}",
                "run as the user who owns the data directory",
            )
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119  # a name, not a file
    return Failure(
        f"this should not have happened ({type(error).__name__} at {where})",
        "please report it, with the command and the version that `keystead version` prints",
    )
