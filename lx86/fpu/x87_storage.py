"""The x87's instructions with a storage operand: loads, stores, and the state as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import number
from .number import DOUBLE, EXTENDED, SINGLE, Flag, Format, Kind, Number, pack, to_integer, unpack
from .stack import EMPTY, INDEFINITE_BITS, Stack, initialize, tag_of
from .x87_arithmetic import arithmetic, compare_to_conditions
from .x87_codes import COMPARE, COMPARE_POP, FISTTP

if TYPE_CHECKING:
    from .operation import Operation

_INTEGER_COMPARE = (COMPARE, COMPARE_POP)


def execute(stack: Stack, op: Operation) -> None:
    opcode, what = op.instruction.opcode, op.instruction.modrm >> 3 & 7
    if not opcode & 1:
        operand = _operand(op, opcode)
        if what in _INTEGER_COMPARE:
            compare_to_conditions(stack, operand, quiet=False)
            if what == COMPARE_POP:
                stack.pop()
        else:
            arithmetic(stack, what, 0, operand, 0)
        return
    match opcode, what:
        case (0xD9, 0):
            _load_real(stack, op.load(4), SINGLE)
        case (0xDD, 0):
            _load_real(stack, op.load(8), DOUBLE)
        case (0xDB, 5):
            stack.push(op.load(10))
        case (0xDB, 0) | (0xDF, 0) | (0xDF, 5):
            n = _integer(op, {0xDB: 4, 0xDF: 2 if what == 0 else 8}[opcode])
            stack.push(pack(n, EXTENDED, stack.rounding).bits)
        case (0xDF, 4):
            _load_decimal(stack, op)
        case (0xD9, 2 | 3):
            _store_real(stack, op, SINGLE, 4, pop=what == 3)
        case (0xDD, 2 | 3):
            _store_real(stack, op, DOUBLE, 8, pop=what == 3)
        case (0xDB, 7):
            _store_extended(stack, op)
        case (0xDB | 0xDF, 2 | 3) | (0xDF, 7):
            length = 8 if what == 7 else 4 if opcode == 0xDB else 2
            _store_integer(stack, op, length, pop=what != 2)
        case _ if (opcode, what) in FISTTP:
            _store_integer(stack, op, FISTTP[opcode, what], pop=True, truncate=True)
        case (0xDF, 6):
            _store_decimal(stack, op)
        case (0xD9, 4):
            load_environment(op, stack)
        case (0xD9, 5):
            op.floating.control = op.load(2) & 0x1F3F | 0x40
            stack.summarize()
        case (0xD9, 6):
            store_environment(op, stack)
        case (0xD9, 7):
            op.store(op.floating.control, 2)
        case (0xDD, 4):
            _restore(op, stack)
        case (0xDD, 6):
            _save(op, stack)
        case (0xDD, 7):
            op.store(op.floating.status, 2)
        case _:
            op.undefined()


def _operand(op: Operation, opcode: int) -> Number:
    if opcode == 0xD8:
        return unpack(op.load(4), SINGLE)
    if opcode == 0xDC:
        return unpack(op.load(8), DOUBLE)
    return _integer(op, 4 if opcode == 0xDA else 2)


def _integer(op: Operation, length: int) -> Number:
    value, sign = op.load(length), 1 << 8 * length - 1
    return number.of_integer((value ^ sign) - sign)


# -- loads and stores ----------------------------------------------------------------------


def _load_real(stack: Stack, bits: int, form: Format) -> None:
    n = unpack(bits, form)
    if not stack.is_empty(7):
        stack.push(0)
        return
    if n.signaling:
        stack.before(Flag.INVALID)
        n = n.quiet()
    elif n.denormal:
        stack.tell(Flag.DENORMAL)
    stack.push(pack(n, EXTENDED, number.Rounding.NEAREST).bits)


def _load_decimal(stack: Stack, op: Operation) -> None:
    value = op.load(10)
    digits = 0
    for n in range(17, -1, -1):
        digits = digits * 10 + (value >> 4 * n & 15)
    stack.push(pack(number.finite(bool(value >> 79), digits, 0), EXTENDED, stack.rounding).bits)


def _store_real(stack: Stack, op: Operation, form: Format, length: int, *, pop: bool) -> None:
    stack.set_c1(False)
    n = stack.read(0)
    flags = Flag.NONE
    if n is None or n.kind is Kind.UNSUPPORTED:
        flags, n = Flag.INVALID, number.INDEFINITE
    elif n.signaling:
        flags, n = Flag.INVALID, n.quiet()
    stack.before(flags)
    done = pack(n, form, stack.rounding)
    if n.kind is Kind.FINITE and stack.unmasked & (Flag.OVERFLOW | Flag.UNDERFLOW):
        found = done.flags
        if n.exponent + n.significand.bit_length() <= 1 - form.bias and done.bits << 1:
            found |= Flag.UNDERFLOW
        if found & stack.unmasked & (Flag.OVERFLOW | Flag.UNDERFLOW):
            stack.before(found & ~Flag.PRECISION)
    op.store(done.bits, length)
    stack.after(done)
    if pop:
        stack.pop()


def _store_extended(stack: Stack, op: Operation) -> None:
    stack.set_c1(False)
    bits = INDEFINITE_BITS
    if stack.is_empty(0):
        stack.stack_fault(False)
    else:
        bits = stack.bits(0)
    op.store(bits, 10)
    stack.pop()


def _store_integer(
    stack: Stack, op: Operation, length: int, *, pop: bool, truncate: bool = False
) -> None:
    stack.set_c1(False)
    n = stack.read(0)
    sign = 1 << 8 * length - 1
    value, inexact, up = sign, False, False
    if n is not None:
        fits = n.kind in (Kind.FINITE, Kind.ZERO)
        if fits:
            rounding = number.Rounding.ZERO if truncate else stack.rounding
            value, inexact, up = to_integer(n, rounding)
            fits = -sign <= value < sign
        if not fits:
            stack.before(Flag.INVALID)
            value, inexact, up = sign, False, False
    op.store(value & 2 * sign - 1, length)
    stack.after(number.Rounded(0, Flag.PRECISION if inexact else Flag.NONE, up))
    if pop:
        stack.pop()


def _store_decimal(stack: Stack, op: Operation) -> None:
    stack.set_c1(False)
    n = stack.read(0)
    bits, inexact, up = 0xFFFFC000 << 48, False, False
    if n is not None:
        value = 10**18
        if n.kind in (Kind.FINITE, Kind.ZERO):
            value, inexact, up = to_integer(n, stack.rounding)
        if abs(value) < 10**18:
            bits = int(str(abs(value)), 16) | n.negative << 79
        else:
            stack.before(Flag.INVALID)
            inexact = up = False
    op.store(bits, 10)
    stack.after(number.Rounded(0, Flag.PRECISION if inexact else Flag.NONE, up))
    stack.pop()


# -- the state -----------------------------------------------------------------------------


def full_tags(op: Operation) -> int:
    """The tag word, with what the registers hold now."""
    tags = 0
    for place in range(8):
        empty = op.floating.tags >> 2 * place & 3 == EMPTY
        tags |= (EMPTY if empty else tag_of(op.floating.registers[place])) << 2 * place
    return tags


def _environment(op: Operation) -> bytes:
    s = op.floating
    words = (s.control, s.status, full_tags(op))
    if op.instruction.size == 2:
        short = (*words, s.instruction, 0, s.operand, 0)
        return b"".join((word & 0xFFFF).to_bytes(2, "little") for word in short)
    long = (
        *(0xFFFF0000 | word for word in words),
        s.instruction,
        (s.opcode & 0x7FF) << 16,
        s.operand,
        0xFFFF0000,
    )
    return b"".join((word & 0xFFFF_FFFF).to_bytes(4, "little") for word in long)


def store_environment(op: Operation, stack: Stack) -> None:
    """Afterwards all exceptions are masked (SDM volume 2, FSTENV)."""
    image = _environment(op)
    op.store_state(image, len(image))
    op.floating.control |= 0x3F
    stack.summarize()


def load_environment(op: Operation, stack: Stack) -> None:
    s, size = op.floating, op.instruction.size
    if size == 2:
        image = [op.load(2, 2 * n) for n in range(7)]
    else:
        data = op.storage.read(op.address, 28)
        image = [int.from_bytes(data[n : n + 4], "little") for n in range(0, 28, 4)]
    s.control, s.status, s.tags = image[0] & 0x1F3F | 0x40, image[1] & 0xFFFF, image[2] & 0xFFFF
    s.instruction, s.operand = image[3], image[5]
    if size == 4:
        s.opcode = image[4] >> 16 & 0x7FF
    stack.summarize()


def _save(op: Operation, stack: Stack) -> None:
    """FNSAVE; afterwards the state is FNINIT's."""
    registers = b"".join(stack.bits(i).to_bytes(10, "little") for i in range(8))
    image = _environment(op) + registers
    op.store_state(image, len(image))
    initialize(op.floating)


def _restore(op: Operation, stack: Stack) -> None:
    length = 28 if op.instruction.size == 4 else 14
    image = op.storage.read(op.place(length), 80)
    load_environment(op, stack)
    for i in range(8):
        stack.s.registers[stack.place(i)] = int.from_bytes(image[10 * i : 10 * i + 10], "little")


FXSAVE_LENGTH = 288
"""What FXSAVE writes of its 512 bytes with eight XMM registers."""
MXCSR_MASK = 0xFFFF


def _pointer_length(op: Operation) -> int:
    """Bytes of an address in FXSAVE's image: with REX.W all (SDM volume 1, 10.5.1.1)."""
    return 8 if op.instruction.rex & 8 else 4


def fxsave(op: Operation) -> None:
    s, stack = op.floating, Stack(op.floating)
    valid = sum((s.tags >> 2 * n & 3 != EMPTY) << n for n in range(8))
    mask = (1 << 8 * _pointer_length(op)) - 1
    image = b"".join(
        value.to_bytes(length, "little")
        for value, length in (
            (s.control, 2), (s.status, 2), (valid, 2), (s.opcode & 0x7FF, 2),
            (s.instruction & mask, 8), (s.operand & mask, 8), (s.mxcsr, 4), (MXCSR_MASK, 4),
        )
    )  # fmt: skip
    image += b"".join(stack.bits(i).to_bytes(16, "little") for i in range(8))
    image += b"".join(value.to_bytes(16, "little") for value in s.xmm)
    op.store_state(image, 512)


def fxrstor(op: Operation) -> None:
    image = op.storage.read(op.address, FXSAVE_LENGTH + 16 * (len(op.floating.xmm) - 8))

    def field(at: int, length: int) -> int:
        return int.from_bytes(image[at : at + length], "little")

    s, stack = op.floating, Stack(op.floating)
    if field(24, 4) & ~MXCSR_MASK:
        op.refuse_general_protection()
    s.control, s.status, s.mxcsr = field(0, 2) & 0x1F3F | 0x40, field(2, 2), field(24, 4)
    pointer = _pointer_length(op)
    s.opcode, s.instruction, s.operand = field(6, 2) & 0x7FF, field(8, pointer), field(16, pointer)
    for i in range(8):
        s.registers[stack.place(i)] = field(32 + 16 * i, 10)
    for i in range(len(s.xmm)):
        s.xmm[i] = field(160 + 16 * i, 16)
    valid = field(4, 1)
    for n in range(8):
        stack.set_tag(n, tag_of(s.registers[n]) if valid >> n & 1 else EMPTY)
    stack.summarize()
