"""On which processor does a process of a measurement run, and before which others?

A flood and its neighbours come from other machines in truth. Here they share two processors with
the server, so that what the flood's clients compute would count as the server's delay. The server
has one processor, and all clients the other one. Who waits for an answer has real-time priority
there: when an answer is there, it is read. Where priorities are not allowed, all are equal.
"""

import contextlib
import os

SERVER, NEIGHBOUR, FLOOD = -15, -19, -10


def place(pid: int, priority: int) -> None:
    """Give a process its priority, and one of two processors. It is the server, or its client."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, priority)
        if priority == NEIGHBOUR:  # nice -19 alone still waits for the flood's slice
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {0 if priority == SERVER else 1})
