"""A thread of a program: its processor state, its signals, and the call it waits in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lx86.cpu import FloatingState, X86State

    from .call import Call, Wait, Waiting
    from .process import Process
    from .signals import Signal

TID_SHIFT = 22
"""Above the host's process numbers (PID_MAX_LIMIT is 2^22)."""


class Thread:
    """A thread; `mask`, `pending` and `alternate_stack` are what signals need of it."""

    def __init__(self, process: Process, tid: int, state: X86State) -> None:
        self.process = process
        self.tid = tid
        self.state = state
        self.floating: FloatingState | None = None
        """As it was when another thread came on; None for the one that is on, or a new one."""
        self.mask = 0
        self.saved_mask: int | None = None
        """The mask that a handler gives back, while a call has another one."""
        self.pending: list[Signal] = []
        self.alternate_stack = (0, 0, 0)
        """Address, flags and size."""
        self.clear_child_tid = 0
        self.robust_list = 0
        self.name = b""
        self.exited = False
        self.call: Call | None = None
        """The call that is under way, with its number in EAX as it was made."""
        self.number = 0
        self.waiting: Waiting | None = None
        self.wait: Wait | None = None
        self.woken = False
        """Something other than a file or time has ended the wait."""

    @property
    def blocked(self) -> bool:
        return self.wait is not None
