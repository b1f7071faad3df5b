"""What a process runs: its program, and what that needs to run on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lx86.storage import PAGE, READ

if TYPE_CHECKING:
    from lx86.cpu import Cpu
    from lx86.storage import Storage

    from .call import CallTable


VFORK_STACK = 16 * PAGE
"""So much of its parent's stack a child of vfork gives back."""


class Machines(Protocol):
    """What programs run on, by the size of their addresses: 4 or 8 bytes."""

    def make(self, word: int) -> tuple[Cpu, Storage]: ...
    def calls(self, word: int) -> CallTable: ...


@dataclass(slots=True)
class Program:
    """What is known of the program that runs."""

    path: bytes = b""
    arguments: tuple[bytes, ...] = ()
    environment: tuple[bytes, ...] = ()
    dumpable: bool = True
    """What PR_SET_DUMPABLE said; nothing comes of it."""


@dataclass(slots=True)
class Vfork:
    """The parent that waits for this process to let go of its storage."""

    pipe: int
    address: int

    def release(self, storage: Storage) -> None:
        """Have it go on, with what was written to its stack."""
        length = storage.accessible(self.address, VFORK_STACK, READ)
        data = storage.raw(self.address, length)
        try:
            while data:
                data = data[os.write(self.pipe, data) :]
        except OSError:
            pass  # the parent is gone
        os.close(self.pipe)
