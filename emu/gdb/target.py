"""What a debugger can ask of a machine, and how its requests name numbers."""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ..values import frozen

if TYPE_CHECKING:
    from emu.bits import ByteOrder
    from emu.engine import Engine
    from emu.memory import Memory


class Target(Protocol):
    """The machine, as a debugger looks at it; engine and storage may change between requests."""

    @property
    def engine(self) -> Engine: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def byte_order(self) -> ByteOrder:
        """In which registers are sent: that of the program the debugger has loaded."""

    @property
    def processors(self) -> int:
        """How many virtual processors there are; the debugger's threads, from 1 on."""

    def describe(self, processor: int) -> str:
        """What a processor does at the moment, in a few words."""

    def monitor(self, command: str) -> str:
        """Carry out an operator's command; its output."""


@frozen
class Resumption:
    """The guest is to run: one instruction of processor `step`, or on if that is None."""

    step: int | None = None


class Leaving(Enum):
    """The debugger goes: and the guest runs on, or ends."""

    DETACHED = "detached"
    KILLED = "killed"


class RefusedError(Exception):
    """A request that cannot be carried out; `code` is an errno."""

    def __init__(self, code: int) -> None:
        super().__init__(errno.errorcode[code])
        self.code = code


def number(text: str, bits: int) -> int:
    """A hexadecimal number without sign or prefix."""
    if not text or not set(text.lower()) <= set("0123456789abcdef"):
        raise RefusedError(errno.EINVAL)
    number = int(text, 16)
    if number >= 2**bits:
        raise RefusedError(errno.EINVAL)
    return number


def span(text: str) -> tuple[int, int]:
    """`address,length`"""
    address, _, length = text.partition(",")
    return number(address, 64), number(length, 32)
