"""What may others see of this process?  As little as the system lets us hide (RK-8, DB-6).

No core dump and no debugger of the same user (they would show keys), and every file that we make
is ours alone.
"""

import contextlib
import os
import sys

OTHER_FILES = 64  # descriptors that are kept for the store, the log and the listeners

_PR_SET_DUMPABLE = 4


def harden() -> None:
    """Close what can be closed; called once, before anything secret is read."""
    os.umask(0o077)
    with contextlib.suppress(ImportError):  # not on this platform
        import resource  # noqa: PLC0415  # POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _raise_file_limit()
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # Linux only

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def connections_within_file_limit() -> int:
    """How many connections leave enough descriptors for everything else that is open."""
    try:
        import resource  # noqa: PLC0415  # POSIX only
    except ImportError:  # not on this platform, and no such limit
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft - OTHER_FILES


def _raise_file_limit() -> None:
    """Use as many file descriptors as we may: each connection is one."""
    import resource  # noqa: PLC0415  # POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS may refuse more than its own maximum; what we have is then enough.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
