"""Instructions that leave translated code and are carried out here: rare ones, each in a few lines.

Each takes the state before the instruction, changes it, and leaves EIP behind it.  BCD and EFLAGS
images follow the operation sections of SDM volume 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import host_long
from .cpu import Trap, Vector
from .cpuid import DEFAULT, Model, cpuid
from .flags import AF, CF, OF, PF, SF, ZF
from .host_segments import FAR_LOADS, QUESTIONS, REGISTERS, Segments, effective
from .instruction import TRANSFERS, Imm, Instruction, Mem, Operand, Reg
from .storage import READ, WRITE, StorageFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cpu import X86State
    from .storage import Storage

_WRITABLE = 0x254DD5  # by a program: CF PF AF ZF SF TF DF OF NT AC ID
DF, TF, NT, AC, ID = 0x400, 0x100, 0x4000, 0x40000, 0x200000

HOST = frozenset(
    [
        "cld",
        "std",
        "popf",
        "pushf",
        "into",
        "bound",
        "cpuid",
        "rdtsc",
        "daa",
        "das",
        "aaa",
        "aas",
        "aam",
        "aad",
        "salc",
        *FAR_LOADS,
        *QUESTIONS,
    ]
)
_OF_SEGMENTS = frozenset(["mov", "pop"]) | TRANSFERS | QUESTIONS | FAR_LOADS.keys()


class HostInstructions:
    """They act on one program's storage; `clock` gives what RDTSC reads."""

    def __init__(self, storage: Storage, clock: Callable[[], int], model: Model = DEFAULT) -> None:
        self._storage, self._clock, self._model = storage, clock, model
        self._segments = Segments(storage)

    def execute(self, i: Instruction, s: X86State) -> Trap | None:
        """Raises `StorageFault`; `s` is then as it was."""
        match i.name:
            case "cld" | "std":
                s.eflags = s.eflags & ~DF | (DF if i.name == "std" else 0)
            case "pushf":
                self._push(s, s.eflags & ~0x10000, i.size)
            case "popf":
                mask = _WRITABLE if i.size >= 4 else _WRITABLE & 0xFFFF
                s.eflags = s.eflags & ~mask | self._pop(s, i.size) & mask
            case "into":
                if s.eflags & OF:
                    s.eip = i.next
                    return Trap(Vector.OVERFLOW)
            case "bound":
                if self._out_of_bounds(i, s):
                    return Trap(Vector.BOUND)
            case "cpuid":
                s.eax, s.ebx, s.ecx, s.edx = cpuid(s.eax, self._model, long=s.long)
            case "rdtsc":
                ticks = self._clock()
                s.eax, s.edx = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFFFFFF
            case "salc":
                s.eax = s.eax & ~0xFF | (0xFF if s.eflags & CF else 0)
            case "int":
                return _software_interrupt(i, s)
            case name if name in _OF_SEGMENTS:
                return self._segments.execute(i, s)
            case "enter":
                self._enter(i, s)
            case name if name in host_long.NAMES:
                if trap := host_long.execute(i, s, self._storage):
                    return trap
            case "aam":
                divisor = _byte(i.operands[0])
                if not divisor:
                    return Trap(Vector.DIVIDE_ERROR)
                al = s.eax & 0xFF
                _set_ax(s, al // divisor << 8 | al % divisor)
                _flags(s, al % divisor, 0)
            case "aad":
                al = (s.eax + (s.eax >> 8 & 0xFF) * _byte(i.operands[0])) & 0xFF
                _set_ax(s, al)
                _flags(s, al, 0)
            case "daa" | "das":
                _decimal(s, i.name == "das")
            case _:
                _ascii(s, i.name == "aas")
        s.eip = i.next
        return None

    # -- storage ---------------------------------------------------------------------------

    def _push(self, s: X86State, value: int, size: int) -> None:
        at = (s.esp - size) & s.mask
        self._storage.write(at, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))
        s.esp = at

    def _pop(self, s: X86State, size: int) -> int:
        value = int.from_bytes(self._storage.read(s.esp, size), "little")
        s.esp = (s.esp + size) & s.mask
        return value

    def _out_of_bounds(self, i: Instruction, s: X86State) -> bool:
        register, limits = i.operands
        assert isinstance(register, Reg)
        assert isinstance(limits, Mem)
        at = effective(limits, s)
        bytes_ = self._storage.read(at, 2 * i.size)
        low = int.from_bytes(bytes_[: i.size], "little", signed=True)
        high = int.from_bytes(bytes_[i.size :], "little", signed=True)
        value = getattr(s, REGISTERS[register.number]) & (1 << 8 * i.size) - 1
        if value >> 8 * i.size - 1:
            value -= 1 << 8 * i.size
        return not low <= value <= high

    def _enter(self, i: Instruction, s: X86State) -> None:
        size, level = (o.value for o in i.operands if isinstance(o, Imm))
        depth = level & 31
        width = i.size
        words = []
        if depth:
            for n in range(1, depth):
                at = (s.ebp - width * n) & s.mask
                words.append(int.from_bytes(self._storage.read(at, width), "little"))
            words.append(s.esp - width)
        self._storage.view((s.esp - width * (len(words) + 1)) & s.mask, width, READ | WRITE)
        esp = s.esp
        self._push(s, s.ebp, width)
        frame = s.esp
        try:
            for word in words:
                self._push(s, word, width)
            self._storage.view((s.esp - size) & s.mask, width, WRITE)
        except StorageFault:
            s.esp = esp
            raise
        s.ebp = frame if width >= 4 else s.ebp & ~0xFFFF | frame & 0xFFFF
        s.esp = (s.esp - size) & s.mask


def _software_interrupt(i: Instruction, s: X86State) -> Trap:
    """INT with a number other than Linux's: of the gates a program may use there are two."""
    number = _byte(i.operands[0])
    if number not in (Vector.BREAKPOINT, Vector.OVERFLOW):
        return Trap(Vector.GENERAL_PROTECTION, number << 3 | 2)
    s.eip = i.next
    return Trap(Vector(number))


def _byte(operand: Operand) -> int:
    assert isinstance(operand, Imm)
    return operand.value & 0xFF


def _set_ax(s: X86State, value: int) -> None:
    s.eax = s.eax & ~0xFFFF | value & 0xFFFF


def _flags(s: X86State, al: int, others: int) -> None:
    """SF, ZF and PF by AL; CF and AF as given, OF cleared."""
    flags = s.eflags & ~(CF | PF | AF | ZF | SF | OF) | others
    flags |= SF if al & 0x80 else 0
    flags |= ZF if not al else 0
    flags |= PF if al.bit_count() % 2 == 0 else 0
    s.eflags = flags


def _decimal(s: X86State, subtract: bool) -> None:
    """DAA, DAS."""
    al, carry = s.eax & 0xFF, s.eflags & CF
    old, others = al, 0
    step = -6 if subtract else 6
    if al & 15 > 9 or s.eflags & AF:
        total = al + step
        others |= AF | (CF if carry or total < 0 or total > 0xFF else 0)
        al = total & 0xFF
    if old > 0x99 or carry:
        al = (al + (step << 4)) & 0xFF
        others |= CF
    elif not subtract:
        others &= ~CF
    s.eax = s.eax & ~0xFF | al
    _flags(s, al, others)


def _ascii(s: X86State, subtract: bool) -> None:
    """AAA, AAS."""
    ax, others = s.eax & 0xFFFF, 0
    if ax & 15 > 9 or s.eflags & AF:
        ax = ax - 0x106 if subtract else ax + 0x106
        others = AF | CF
    _set_ax(s, ax & 0xFF0F)
    _flags(s, s.eax & 0xFF, others)
