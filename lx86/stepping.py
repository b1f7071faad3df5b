"""One instruction at a time: while TF is set, and repeated string instructions by elements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from .cpu import Exit, Preempted, Trap, Vector
from .decoder import Undefined
from .flags import ZF
from .instruction import SS, STRINGS, Instruction, Seg

if TYPE_CHECKING:
    from .code import Code
    from .cpu import X86State

_REPE = 0xF3


class Steps(Protocol):
    """What of a processor is asked here."""

    state: X86State
    code: Code

    @property
    def linear_eip(self) -> int: ...
    def load_state(self) -> None: ...
    def carry_out(self, i: Instruction) -> Exit: ...


def step(cpu: Steps) -> Exit:
    """An instruction while TF is set, and the trap behind it (SDM volume 3, 17.3.1.4)."""
    while True:
        try:
            i = cpu.code.fetch(cpu.linear_eip)
        except Undefined:
            return Trap(Vector.INVALID_OPCODE)
        done = iterate(cpu, i) if i.repeat and i.name in STRINGS else cpu.carry_out(i)
        if done != Preempted():
            return done
        if i.operands[:1] != (Seg(SS),) and i.name != "lss":  # they hold it back
            return Trap(Vector.DEBUG)


def iterate(cpu: Steps, i: Instruction) -> Exit:
    """One element of a repeated string instruction; `Preempted` behind it."""
    s = cpu.state
    if not s.ecx:
        s.eip = s.eip + i.length & s.mask
        cpu.load_state()
        return Preempted()
    at = s.eip
    done = cpu.carry_out(replace(i, repeat=0))
    if done == Preempted():
        s.ecx -= 1
        compares = i.name in ("cmps", "scas")
        if s.ecx and (not compares or bool(s.eflags & ZF) == (i.repeat == _REPE)):
            s.eip = at
        cpu.load_state()
    return done
