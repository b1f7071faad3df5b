"""The system calls, by subject; each module has a group `calls`."""

from __future__ import annotations

from lx86.linux.call import CallTable
from lx86.linux.numbers import X86_64

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


_OF_I386 = {"set_thread_area", "get_thread_area", "modify_ldt"}
"""A 64-bit program has no descriptors of its own."""


def all_calls(word: int = 4) -> CallTable:
    """All that a process may call whose addresses have `word` bytes."""
    numbers = {name: number for name, number in X86_64.items() if name not in _OF_I386}
    return CallTable((module.calls for module in MODULES), numbers if word == 8 else None)
