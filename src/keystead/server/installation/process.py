"""How is this process hidden from other processes?  As well as the system allows (RK-8, DB-6).

There is no core dump, and no debugger of the same user: both would show keys. Every file that we
make is ours alone. If the system allows it, our memory is never written to swap.
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
    """Forbid core dumps, debuggers and shared files. Called once, before a secret is read."""
    os.umask(0o077)
    with contextlib.suppress(ImportError):  # not on this platform
        import resource  # noqa: PLC0415  # POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _raise_file_limit()
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # Linux only

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def lock_memory() -> str:
    """Keep our memory out of swap; returns "", or why that is not allowed.

    Pages are locked when they are first used (MCL_ONFAULT), so this takes no more memory.
    """
    if sys.platform != "linux":
        return "this system is not Linux"
    # With a finite limit, any later allocation beyond it would fail, and end the server. Memory
    # that is not locked is a smaller risk, and the log tells of it.
    if not _may_lock_everything():
        return "the limit of locked memory is finite"
    import ctypes  # noqa: PLC0415  # Linux only

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        return os.strerror(ctypes.get_errno())
    return ""


def memory_is_locked() -> bool:
    """Does the system say that our memory is kept out of swap?"""
    return _of_status("VmLck", 10) > 0


def _may_lock_everything() -> bool:
    import resource  # noqa: PLC0415  # POSIX only

    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        return True
    return bool(_of_status("CapEff", 16) >> _CAP_IPC_LOCK & 1)


def _of_status(name: str, base: int) -> int:
    """A number from the system's status of this process; 0 if it is not there."""
    try:
        text = _STATUS.read_text()
    except OSError:
        return 0
    match = re.search(rf"^{name}:\s*([0-9a-f]+)", text, re.MULTILINE)
    return int(match[1], base) if match else 0


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
