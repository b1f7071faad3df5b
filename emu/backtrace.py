"""Who called: the stack's back chain (64-Bit ELF V2 ABI 2.2.2; the older ABI has it too).

The doubleword at the stack pointer leads to the caller's frame, and each frame keeps the link
register its function was called with at offset 16.  A guest's stack is whatever the guest made of
it: every step is checked, and there are no more than `LIMIT` of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .bits import ByteOrder, low_bits
from .values import frozen

if TYPE_CHECKING:
    from .memory import Memory
    from .registers import Registers

LIMIT = 64
_LINK_REGISTER_SAVE = 16
_DOUBLEWORD = 8


class Processor(Protocol):
    """The processor whose stack it is (the engine, for the one selected)."""

    @property
    def registers(self) -> Registers: ...
    def translate(self, effective: int) -> int | None: ...


@frozen
class Frame:
    """One entry of a backtrace; `stack` is where its frame begins, None where none is known."""

    address: int
    stack: int | None
    certain: bool = True
    """False for the link register: the function may have returned through it already."""


def backtrace(processor: Processor, memory: Memory) -> list[Frame]:
    """The selected processor's frames, innermost first; at least that of NIP."""
    registers = processor.registers
    little = bool(registers.msr.LE)
    order = ByteOrder.LITTLE if little else ByteOrder.BIG
    wide = 64 if registers.msr.SF else 32

    def load(effective: int) -> int | None:
        real = processor.translate(effective)
        if real is None or not memory.contains(real, _DOUBLEWORD):
            return None
        return int.from_bytes(memory.read(real, _DOUBLEWORD), order.name_for_int)

    stack = low_bits(registers.gpr(1), wide)
    frames = [Frame(registers.nip, stack), Frame(registers.spr("lr"), None, certain=False)]
    while len(frames) < LIMIT and stack and not stack % _DOUBLEWORD:
        caller = load(stack)
        if caller is None or caller <= stack or caller % _DOUBLEWORD:
            break
        stack = caller
        if not (link := load(stack + _LINK_REGISTER_SAVE)):
            break
        frames.append(Frame(link, stack))
    return frames
