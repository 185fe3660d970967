"""What may others see of this process?  As little as the system lets us hide (RK-8, DB-6).

No core dump and no debugger of the same user (they would show keys), every file that we make is
ours alone, and where the system allows it nothing of our memory is written to swap.
"""

import contextlib
import os
import re
import sys
from pathlib import Path

OTHER_FILES = 64  # descriptors that are kept for the store, the log and the listeners

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14
_STATUS = Path("/proc/self/status")


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


def lock_memory() -> str:
    """Keep what is in memory out of swap; returns why that is not allowed, "" when it is done.

    Pages are locked when they are first used (MCL_ONFAULT), so that nothing costs more memory.
    """
    if sys.platform != "linux":
        return "this system is not Linux"
    # Within a finite limit, an allocation beyond it would fail at any later time: that ends a
    # server, while memory that is not locked is a risk which the log tells.
    if not _may_lock_everything():
        return "the limit of locked memory is finite"
    import ctypes  # noqa: PLC0415  # Linux only

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        return os.strerror(ctypes.get_errno())
    return ""


def memory_is_locked() -> bool:
    """Is our memory kept out of swap?  As the system says."""
    return _of_status("VmLck", 10) > 0


def _may_lock_everything() -> bool:
    import resource  # noqa: PLC0415  # POSIX only

    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        return True
    return bool(_of_status("CapEff", 16) >> _CAP_IPC_LOCK & 1)


def _of_status(name: str, base: int) -> int:
    """A number that the system tells of this process; 0 where it does not."""
    try:
        text = _STATUS.read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s*([0-9a-f]+)", text, re.MULTILINE)
    return int(found[1], base) if found else 0


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
