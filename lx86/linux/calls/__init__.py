"""The system calls, by subject; each module has a group `calls`."""

from __future__ import annotations

from lx86.linux.call import CallTable

from . import (
    clocks,
    control,
    descriptors,
    directories,
    execution,
    futexes,
    identity,
    memory,
    paths,
    polling,
    processes,
    signals,
    sockets,
    system,
    threads,
    transfer,
)

MODULES = (
    transfer, descriptors, control, paths, directories, memory, processes, execution, threads,
    futexes, signals, clocks, polling, sockets, identity, system,
)  # fmt: skip


def all_calls() -> CallTable:
    """All that a process may call."""
    return CallTable(*(module.calls for module in MODULES))
