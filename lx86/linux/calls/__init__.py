"""The system calls, by subject; each module has a group `calls`."""

from __future__ import annotations

from lx86.linux.call import CallTable
from lx86.linux.numbers import X86_64

from . import (
    attributes,
    clocks,
    control,
    descriptors,
    directories,
    execution,
    futexes,
    identity,
    memory,
    paths,
    pipes,
    polling,
    processes,
    scheduling,
    several,
    signals,
    sockets,
    system,
    threads,
    timers,
    transfer,
)

MODULES = (
    transfer, pipes, descriptors, control, paths, attributes, directories, memory, processes,
    execution, threads, futexes, signals, clocks, timers, polling, sockets, several, identity,
    system, scheduling,
)  # fmt: skip


_OF_I386 = {"set_thread_area", "get_thread_area", "modify_ldt"}
"""A 64-bit program has no descriptors of its own."""


def all_calls(word: int = 4) -> CallTable:
    """All that a process may call whose addresses have `word` bytes."""
    numbers = {name: number for name, number in X86_64.items() if name not in _OF_I386}
    return CallTable((module.calls for module in MODULES), numbers if word == 8 else None)
