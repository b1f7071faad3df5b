"""Instructions of 64-bit mode that the host carries out: rare ones, mostly on quadwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cpu import Trap, Vector
from .flags import CF, OF, ZF
from .host_segments import REGISTERS, effective
from .instruction import EAX, EBX, ECX, EDX, Imm, Instruction, Mem, Reg

if TYPE_CHECKING:
    from .cpu import X86State
    from .storage import Storage

_ALL = (1 << 64) - 1
NAMES = frozenset(["rcl", "rcr", "cmpxchg8b", "div", "idiv"])


def execute(i: Instruction, s: X86State, storage: Storage) -> Trap | None:
    """One of `NAMES`.  Raises `StorageFault`; `s` is then as it was."""
    match i.name:
        case "rcl" | "rcr":
            _rotate(i, s, storage)
        case "cmpxchg8b":
            if effective(_storage_operand(i), s) % 16:
                return Trap(Vector.GENERAL_PROTECTION)
            _exchange(i, s, storage)
        case name:
            return _divide(i, s, storage, name == "idiv")
    return None


def _storage_operand(i: Instruction) -> Mem:
    operand = i.operands[0]
    assert isinstance(operand, Mem)
    return operand


def _get(s: X86State, number: int) -> int:
    value: int = getattr(s, REGISTERS[number])
    return value


def _read(i: Instruction, s: X86State, storage: Storage) -> int:
    operand = i.operands[0]
    if isinstance(operand, Mem):
        return int.from_bytes(storage.read(effective(operand, s), i.size), "little")
    assert isinstance(operand, Reg)
    return _get(s, operand.number)


def _write(i: Instruction, s: X86State, storage: Storage, value: int) -> None:
    operand = i.operands[0]
    if isinstance(operand, Mem):
        storage.write(effective(operand, s), value.to_bytes(i.size, "little"))
    else:
        assert isinstance(operand, Reg)
        setattr(s, REGISTERS[operand.number], value)


def _rotate(i: Instruction, s: X86State, storage: Storage) -> None:
    """RCL, RCR: the operand and CF turn (SDM volume 2)."""
    amount, bits = i.operands[1], 8 * i.size
    count = (amount.value if isinstance(amount, Imm) else s.ecx) & (63 if bits == 64 else 31)
    count %= bits + 1
    ring = _read(i, s, storage) | (s.eflags & CF) << bits
    left = count if i.name == "rcl" else bits + 1 - count
    ring = (ring << left | ring >> bits + 1 - left) & (1 << bits + 1) - 1
    _write(i, s, storage, ring & (1 << bits) - 1)
    if not count:
        return
    carry, top, second = ring >> bits, ring >> bits - 1 & 1, ring >> bits - 2 & 1
    over = top ^ (carry if i.name == "rcl" else second)
    s.eflags = s.eflags & ~(CF | OF) | carry | (OF if over else 0)


def _exchange(i: Instruction, s: X86State, storage: Storage) -> None:
    """CMPXCHG16B."""
    at = effective(_storage_operand(i), s)
    old = int.from_bytes(storage.read(at, 16), "little")
    equal = old == _get(s, EAX) | _get(s, EDX) << 64
    new = _get(s, EBX) | _get(s, ECX) << 64 if equal else old
    storage.write(at, new.to_bytes(16, "little"))
    if not equal:
        s.eax, s.edx = old & _ALL, old >> 64
    s.eflags = s.eflags & ~ZF | (ZF if equal else 0)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _divide(i: Instruction, s: X86State, storage: Storage, sign: bool) -> Trap | None:
    divisor, dividend = _read(i, s, storage), s.edx << 64 | s.eax
    if sign:
        divisor, dividend = _signed(divisor, 64), _signed(dividend, 128)
    if not divisor:
        return Trap(Vector.DIVIDE_ERROR)
    quotient = abs(dividend) // abs(divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    limits = (-(1 << 63), (1 << 63) - 1) if sign else (0, _ALL)
    if not limits[0] <= quotient <= limits[1]:
        return Trap(Vector.DIVIDE_ERROR)
    s.eax, s.edx = quotient & _ALL, dividend - quotient * divisor & _ALL
    return None
